// text_bench.cpp -- the cost of encoding an exposition as a workflow engine has it, in each format:
// nearly all of its lines are histogram buckets. It is not a test: run it by hand, on a release
// build.
#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "aggregator/exposition/formats.h"
#include "aggregator/exposition/gzip.h"

namespace metrics::exposition {
namespace {

constexpr int kRounds = 2000;

// Returns 35 histogram families of 14 bounds, with 3 series each.
reader::Families workflow_engine() {
  reader::Families families;
  families.shape = 1;
  for (int f = 0; f < 35; ++f) {
    reader::Family family{.name = "engine_node_execute_part_time_" + std::to_string(f),
                          .help = "time spent executing one part of a node",
                          .unit = "",
                          .type = format::Type::kHistogram,
                          .bounds = {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 7.5, 10, 30, 60},
                          .series = {}};
    for (int s = 0; s < 3; ++s) {
      const std::vector<reader::Label> labels = {{"hostname", "worker-7d9f5b6c8-x2x4z"},
                                                 {"type", "ServiceActivity" + std::to_string(s)}};
      reader::Series series;
      series.first_value = families.values.size();
      family.series.push_back(labels, series);
      for (std::uint64_t bucket = 0; bucket <= family.bounds.size(); ++bucket) {
        families.values.push_back(bucket % 5 == 0 ? 0 : bucket * 1237);
      }
      families.values.push_back(std::bit_cast<std::uint64_t>(1234.56789 * (s + 1)));
    }
    families.families.push_back(family);
  }
  return families;
}

template <typename Work>
double best_us(Work work) {
  double best = 1e9;
  for (int i = 0; i < kRounds; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::micro> spent =
        std::chrono::steady_clock::now() - begin;
    best = std::min(best, spent.count());
  }
  return best;
}

}  // namespace
}  // namespace metrics::exposition

int main() {
  using namespace metrics;
  using namespace metrics::exposition;
  const reader::Families families = workflow_engine();
  std::printf("best of %d rounds; ns a line of text 0.0.4\n", kRounds);
  std::printf("%-18s %9s %9s %11s %9s %9s\n", "format", "bytes", "us", "ns a line", "new, us",
              "gzip, us");
  std::ptrdiff_t lines = 0;
  for (const Format& format : formats()) {
    Encode encode = format.make_encoder({});
    std::string out;
    const double encode_us = best_us([&] { encode(families, out); });
    if (lines == 0) lines = std::count(out.begin(), out.end(), '\n');
    std::string first;
    const double learn_us = best_us([&] { format.make_encoder({})(families, first); });
    Gzip gzip;
    const double gzip_us = best_us([&] { gzip.compress(out); });
    std::printf("%-18.*s %9zu %9.2f %11.2f %9.2f %9.2f\n", static_cast<int>(format.name.size()),
                format.name.data(), out.size(), encode_us,
                encode_us * 1000 / static_cast<double>(lines), learn_us, gzip_us);
  }
}
