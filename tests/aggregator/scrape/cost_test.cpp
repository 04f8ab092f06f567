// What a segment is said to cost before it is read covers what it is written as.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "aggregator/exposition/formats.h"
#include "libmetrics/reader/merge.h"
#include "tests/support/temp_segment.h"

namespace metrics::scrape {
namespace {

constexpr std::uint64_t kTwice = 2;  // the text, and the parts of it that are kept

// Expects that the text of this segment is within what it is said to cost, in each format.
void expect_covered(const test::TempSegment& t, const std::string& what) {
  reader::SegmentMerge merge(t.file());
  ASSERT_TRUE(merge.read()) << merge.why();
  for (const exposition::Format& format : exposition::formats()) {
    for (const auto escaping : {format::Escaping::kUnderscores, format::Escaping::kAllowUtf8,
                                format::Escaping::kDots, format::Escaping::kValues}) {
      std::string text;
      format.make_encoder({.escaping = escaping, .created_lines = true})(merge.families(), text);
      EXPECT_LE(kTwice * text.size(), merge.cost_of_values().exposition)
          << what << ", as " << format.name << " with " << format::to_string(escaping);
    }
  }
}

// Enough series that what is written once for the family does not matter.
constexpr int kSeries = 20;

TEST(Cost, CoversNamesThatGrowAsTheyAreEscaped) {
  for (const std::string part : {".", "_", "9", "\xc3\xa9", "\xe6\xbc\xa2", "\xf0\x9f\x98\x80"}) {
    std::string name;
    while (name.size() < 400) name += part;
    test::TempSegment t;
    const Family<Histogram> family(name, "", {"a" + name, "b"},
                                   {.bounds = {1}, .segment = t.segment()});
    for (int i = 0; i < kSeries; ++i) family.labels("", i).observe(0.5);
    expect_covered(t, "names of " + part);
  }
}

TEST(Cost, CoversCreationTimes) {
  const std::string name(1000, 'x');
  test::TempSegment t;
  const Family<Histogram> family(name, "", {"a"}, {.bounds = Bounds({}), .segment = t.segment()});
  for (int i = 0; i < kSeries; ++i) family.labels(i).observe(0.5);
  expect_covered(t, "a histogram without bounds");
  test::TempSegment counters;
  const Family<Counter> counter(name, "", {"a"}, {.segment = counters.segment()});
  for (int i = 0; i < kSeries; ++i) counter.labels(i).inc();
  expect_covered(counters, "a counter");
}

TEST(Cost, CoversBucketsOfFamiliesWithShortNames) {
  std::vector<double> bounds;
  for (int i = 1; i <= 64; ++i) bounds.push_back(i);
  test::TempSegment t;
  const Family<Histogram> family("h", "", {"a"},
                                 {.bounds = Bounds(bounds), .segment = t.segment()});
  for (int i = 0; i < kSeries; ++i) family.labels(i).observe(0.5);
  expect_covered(t, "64 buckets");
}

TEST(Cost, CoversWhatStandsAroundShortLabels) {
  LabelNames names;
  for (char c = 'a'; c <= 'z'; ++c) names.push_back(std::string{'9', c});
  test::TempSegment t;
  const Family<Histogram> family("h", "", names,
                                 {.bounds = {1, 2, 3, 4, 5, 6, 7, 8}, .segment = t.segment()});
  for (int i = 0; i < kSeries; ++i) {
    LabelValues values(names.size());
    values[0] = std::to_string(i);
    family.labels(values).observe(0.5);
  }
  expect_covered(t, "26 labels that begin with a digit");
}

}  // namespace
}  // namespace metrics::scrape
