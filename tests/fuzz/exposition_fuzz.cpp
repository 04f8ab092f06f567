// exposition_fuzz.cpp -- families with whatever names, labels, bounds and numbers, in all formats:
// each can be read back, and all have the same series.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/exposition/formats.h"
#include "libmetrics/format/escaping.h"
#include "libmetrics/format/utf8.h"
#include "tests/aggregator/exposition/read_back.h"

namespace {

using namespace metrics;

// The input, taken piece by piece; zeros behind its end.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}
  bool empty() const { return at_ == end_; }
  std::uint8_t byte() { return empty() ? std::uint8_t{0} : *at_++; }
  std::uint64_t word() {
    std::uint64_t w = 0;
    for (int i = 0; i < 8; ++i) w = w << 8 | byte();
    return w;
  }
  std::string text() {
    const std::size_t size = std::min<std::size_t>(byte(), static_cast<std::size_t>(end_ - at_));
    const std::string bytes(reinterpret_cast<const char*>(at_), size);
    at_ += size;
    return format::valid_utf8(bytes);
  }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

void add_series(reader::Families& families, reader::Family& family, Input& input) {
  reader::Series series{{}, families.values.size()};
  std::vector<reader::Label> labels;
  // What a segment can't have: a series twice. So each has a label of its own.
  labels.push_back({"n", std::to_string(family.series.size())});
  if (input.byte() % 2 == 0) {
    const std::string name = input.byte() % 4 == 0 ? "m" + input.text() : "text";
    labels.push_back({name, input.text()});
  }
  if (input.byte() % 2 == 0) series.created_ns = input.word();
  for (std::size_t i = 0; i < reader::value_count(family); ++i) {
    families.values.push_back(input.byte() % 3 == 0 ? input.word() : input.byte());
  }
  family.series.push_back(labels, series);
}

reader::Families families_of(Input& input) {
  reader::Families families;
  families.shape = reader::new_shape();
  while (!input.empty() && families.families.size() < 20) {
    reader::Family family{};
    family.type = format::kTypes[input.byte() % format::kTypes.size()].type;
    family.name = "f" + std::to_string(families.families.size()) + 'x';
    if (input.byte() % 4 == 0) family.name += input.text();
    family.help = input.text();
    if (input.byte() % 4 == 0) family.unit = "seconds";
    if (format::has_buckets(family.type)) {
      std::set<double> bounds;
      for (int i = input.byte() % 8; i > 0; --i) {
        const std::uint64_t word = input.word();
        double bound = 0;
        std::memcpy(&bound, &word, sizeof bound);
        if (std::isfinite(bound)) bounds.insert(bound);
      }
      family.bounds.assign(bounds.begin(), bounds.end());
      family.reached_below_zero = input.byte() % 5 == 0;
    }
    for (int i = input.byte() % 5; i > 0; --i) add_series(families, family, input);
    families.families.push_back(std::move(family));
  }
  return families;
}

// Throws if the formats have other series, or one can't be read back.
void compare(const reader::Families& families, format::Escaping escaping) {
  const auto encoded = [&](const char* name, bool created_lines = false) {
    std::string out;
    exposition::format_named(name)->make_encoder({escaping, created_lines})(families, out);
    return out;
  };
  const test::ReadBack text = test::read_text(encoded("text"));
  if (test::read_openmetrics(encoded("openmetrics")) != text) {
    throw std::runtime_error("OpenMetrics has other series than text");
  }
  if (test::read_protobuf(encoded("protobuf")) != text) {
    throw std::runtime_error("protobuf has other series than text");
  }
  const test::ReadBack created = test::read_openmetrics(encoded("openmetrics", true));
  if (!std::ranges::includes(created, text)) {
    throw std::runtime_error("created lines change other series");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const reader::Families families = families_of(input);
  try {
    for (const char* escaping : {"underscores", "allow-utf-8", "dots", "values"}) {
      compare(families, *format::escaping_named(escaping));
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    std::abort();
  }
  return 0;
}
