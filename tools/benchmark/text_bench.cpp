// text_bench.cpp -- the cost of encoding an exposition as a workflow engine has it: nearly all of
// its lines are histogram buckets. It is not a test: run it by hand, on a release build.
#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

#include "aggregator/exposition/gzip.h"
#include "aggregator/exposition/text.h"

namespace metrics::exposition {
namespace {

constexpr int kRounds = 2000;

// Returns 35 histogram families of 14 bounds, with 3 series each.
reader::Families workflow_engine() {
  reader::Families families{.shape = 1, .families = {}, .values = {}};
  for (int f = 0; f < 35; ++f) {
    reader::Family family{.name = "engine_node_execute_part_time_" + std::to_string(f),
                          .help = "time spent executing one part of a node",
                          .unit = "",
                          .type = format::Type::kHistogram,
                          .bounds = {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 7.5, 10, 30, 60},
                          .series = {}};
    for (int s = 0; s < 3; ++s) {
      family.series.push_back({{{"hostname", "worker-7d9f5b6c8-x2x4z"},
                                {"type", "ServiceActivity" + std::to_string(s)}},
                               families.values.size()});
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
  TextEncoder encoder;
  std::string out;
  const double encode_us = best_us([&] {
    out.clear();
    encoder.encode(families, out);
  });
  const auto lines = std::count(out.begin(), out.end(), '\n');
  const double learn_us = best_us([&] {
    out.clear();
    TextEncoder().encode(families, out);
  });
  std::string copy(out.size(), ' ');
  const double copy_us = best_us([&] { copy.assign(out); });
  Gzip gzip;
  std::size_t compressed = 0;
  const double gzip_us = best_us([&] { compressed = gzip.compress(out).size(); });

  std::printf("%ld lines, %zu bytes; best of %d rounds\n", static_cast<long>(lines), out.size(),
              kRounds);
  std::printf("encode, shape known   %8.2f us  %5.2f ns/line\n", encode_us,
              encode_us * 1000 / static_cast<double>(lines));
  std::printf("encode, new shape     %8.2f us\n", learn_us);
  std::printf("std::string copy      %8.2f us\n", copy_us);
  std::printf("gzip -> %zu bytes   %8.2f us\n", compressed, gzip_us);
}
