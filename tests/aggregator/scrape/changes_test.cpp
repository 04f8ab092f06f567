// What is kept from one exposition to the next changes nothing: those who have kept it print the
// same as those who see everything for the first time.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "aggregator/exposition/formats.h"
#include "aggregator/scrape/combine.h"
#include "libmetrics/reader/families_builder.h"
#include "libmetrics/reader/merge.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

using scrape::Combine;
using scrape::Source;

// A segment in which series come and go.
class Changing {
 public:
  explicit Changing(std::mt19937& random) : random_(random) {
    for (unsigned i = 0; i < kMany; ++i) tasks_.labels("m" + std::to_string(i)).inc(i);
  }

  void step() {
    const std::string value = std::string(below(30), 'v') + std::to_string(below(30));
    switch (below(9)) {
      case 0:
        return tasks_.remove(below(2) == 0 ? value : "m" + std::to_string(below(kMany)));
      case 1:
        return times_.remove(value);
      case 2:
        return times_.labels(value).observe(below(3));
      case 3:
        return load_.labels(value).set(below(9));
      case 4:
        return below(30) == 0 ? tasks_.clear() : load_.remove(value);
      case 5:
        return release(value, below(3));
      case 6: {
        const unsigned first = below(kMany);
        for (unsigned i = first; i < first + 50; ++i) tasks_.remove("m" + std::to_string(i));
        return;
      }
      default:
        return tasks_.labels(value).inc();
    }
  }
  const reader::Families& families() {
    EXPECT_TRUE(merge_.read()) << merge_.why();
    return merge_.families();
  }

 private:
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  // Starts a program with another definition.
  void release(const std::string& value, double bound) {
    const auto program = [&] {
      const Segment again(t_.path());
      Family<Histogram>("times", "", {"type"}, {.bounds = {-1, bound, 9}, .segment = again})
          .labels(value)
          .observe(1);
    };
    EXPECT_EQ(ended(forked(program)), 0);
  }

  static constexpr unsigned kMany = 300;  // so that families have several chunks of series
  std::mt19937& random_;
  TempSegment t_{{8, 8, 8192, 256 * 1024}};
  Family<Counter> tasks_{"tasks", "", {"type"}, t_.options()};
  Family<Histogram> times_{"times", "", {"type"}, {.bounds = {1, 2}, .segment = t_.segment()}};
  Family<Gauge> load_{"load", "", {"type"}, {.mode = Mode::kAll, .segment = t_.segment()}};
  reader::SegmentMerge merge_{t_.file(), reader::Access::kMapped};
};

reader::Families own(unsigned series) {
  reader::Families families;
  families.shape = reader::new_shape();
  reader::FamiliesBuilder build(families);
  build.family(format::Type::kGauge, "own", "Of the aggregator.");
  for (unsigned i = 0; i < series; ++i) build.gauge({{"n", std::to_string(i)}}, std::uint64_t{i});
  return families;
}

std::size_t count_series(const reader::Families& families) {
  std::size_t count = 0;
  for (const auto& f : families.families) count += f.series.size();
  return count;
}

// Plays with these labels `segment`, some series left out.
void play(const std::vector<std::string>& names, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::unique_ptr<Changing>> segments;
  for (std::size_t i = 0; i < names.size(); ++i) {
    segments.push_back(std::make_unique<Changing>(random));
  }
  exposition::Options options;
  options.created_lines = seed % 2 == 0;
  Combine kept;
  std::vector<exposition::Encode> encoders;
  for (const auto& format : exposition::formats()) encoders.push_back(format.make_encoder(options));
  reader::Families mine = own(1);
  std::vector<scrape::LeftOut> left_out(names.size());
  for (int step = 0; step < 120; ++step) {
    segments[random() % segments.size()]->step();
    if (random() % 10 == 0) mine = own(static_cast<unsigned>(random() % 3));
    std::vector<Source> sources = {{&mine, "", true}};
    for (std::size_t i = 0; i < names.size(); ++i) {
      const reader::Families& families = segments[i]->families();
      sources.push_back({&families, names[i]});
      if (seed % 3 != 0) continue;
      left_out[i].series.resize(count_series(families));
      left_out[i].shape = reader::new_shape();
      if (!left_out[i].series.empty()) {
        left_out[i].series[random() % left_out[i].series.size()].flip();
      }
      sources.back().left_out = &left_out[i];
    }
    const reader::Families& combined = kept(sources);
    Combine anew;
    const reader::Families& expected = anew(sources);
    EXPECT_EQ(kept.left_out(), anew.left_out());
    for (std::size_t f = 0; f < encoders.size(); ++f) {
      std::string text, expected_text;
      encoders[f](combined, text);
      exposition::formats()[f].make_encoder(options)(expected, expected_text);
      ASSERT_EQ(text, expected_text) << "step " << step << " of seed " << seed;
    }
  }
}

TEST(Changes, OfOneSegmentAreShownByThoseWhoKnewTheFormerOnes) {
  for (const unsigned seed : {0u, 1u, 2u}) play({""}, seed);
}

TEST(Changes, OfSeveralSegmentsAreShownByThoseWhoKnewTheFormerOnes) {
  for (const unsigned seed : {3u, 4u, 5u}) play({"a", "b"}, seed);
}

// A path may turn out to be a directory: from then on its segments' series have a label.
TEST(Changes, OfASegmentsLabelAreShownThoughItsSeriesStay) {
  std::mt19937 random(8);
  Changing segment(random);
  const reader::Families& families = segment.families();
  Combine kept;
  auto encode = exposition::formats().front().make_encoder({});
  for (const char* name : {"", "a", "b", ""}) {
    const std::vector<Source> sources = {{&families, name}};
    Combine anew;
    std::string text, expected;
    encode(kept(sources), text);
    exposition::formats().front().make_encoder({})(anew(sources), expected);
    EXPECT_EQ(text, expected) << name;
    EXPECT_EQ(text.find("segment=\"a\"") != std::string::npos, std::string(name) == "a");
  }
}

// Their series may have the same labels, of which the first is shown.
TEST(Changes, OfSegmentsWithoutLabelsAreShownByThoseWhoKnewTheFormerOnes) {
  for (const unsigned seed : {6u, 7u}) play({"", ""}, seed);
}

}  // namespace
}  // namespace metrics::test
