// Native histograms as programs make them, in C and C++, and what a scrape then holds.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "libmetrics/reader/merge.h"
#include "tests/support/living.h"
#include "tests/support/options.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

constexpr Geometry kRoomy = {64, 64, 1 << 16, 1 << 20};

// Returns a family as a scrape shows it, and the sum of its first series' counts.
struct Shown {
  reader::Family family;
  std::vector<std::uint64_t> counts;
};
Shown shown(const TempSegment& t, const std::string& name) {
  const Scrape scrape = t.scrape();
  for (const reader::Family& family : scrape.families().families) {
    if (family.name != name) continue;
    const auto counts = scrape.families().counts(family, family.series.front());
    return {family, {counts.begin(), counts.end()}};
  }
  ADD_FAILURE() << "no family " << name;
  return {};
}

TEST(NativeHistograms, CountInTheirGridWithTheDefaultBoundsBesideThem) {
  TempSegment t(kRoomy);
  const Family<Histogram> family("times_seconds", "", {},
                                 {.segment = t.segment(), .native = Native{}});
  const std::vector<double> values = {
      0, 1e-9, 0.005, 0.3, 0.3, 7, 5000, -1, std::numeric_limits<double>::infinity()};
  for (const double value : values) family.observe(value);
  const Shown times = shown(t, "times_seconds");
  const format::Native native = {3, -20, 12, false};
  EXPECT_EQ(times.family.native, native);
  EXPECT_EQ(times.family.bounds.size(), 11u);
  const std::vector<double> grid = format::grid_of(times.family.bounds, native);
  ASSERT_EQ(times.counts.size(), grid.size() + 1);
  std::vector<std::uint64_t> expected(grid.size() + 1);
  for (const double value : values) {
    ++expected[static_cast<std::size_t>(std::lower_bound(grid.begin(), grid.end(), value) -
                                        grid.begin())];
  }
  EXPECT_EQ(times.counts, expected);
  EXPECT_EQ(t.scrape().buckets("times_seconds"),
            (std::vector<std::uint64_t>{4, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 2}));
  EXPECT_EQ(t.scrape().count("times_seconds"), values.size());
  EXPECT_EQ(family.count(), values.size());
}

TEST(NativeHistograms, AreThereWithoutExplicitBounds) {
  TempSegment t(kRoomy);
  const Family<Histogram> family(
      "sizes", "", {},
      {.bounds = Bounds(std::vector<double>{}),
       .segment = t.segment(),
       .native = Native{.factor = 2, .min = 1, .max = 1024, .negative = true}});
  family.observe(3);
  family.observe(-3);
  EXPECT_EQ(shown(t, "sizes").family.native, (format::Native{0, 0, 10, true}));
  EXPECT_EQ(t.scrape().buckets("sizes"), std::vector<std::uint64_t>{2});
}

TEST(NativeHistograms, CountInTheSharedSlotToo) {
  TempSegment t({1, 1, 1 << 16, 1 << 20});
  const Family<Histogram> family("times", "", {}, {.segment = t.segment(), .native = Native{}});
  family.observe(0.3);
  started([&] {  // the only first slot is owned
    for (int i = 0; i < 5; ++i) family.observe(0.3);
  });
  EXPECT_EQ(t.scrape().count("times"), 6u);
  const Shown times = shown(t, "times");
  EXPECT_EQ(*std::max_element(times.counts.begin(), times.counts.end()), 6u);
}

std::string refusal(metrics_type type, const Options& options) {
  const TempSegment t(kRoomy);
  metrics_family* family = nullptr;
  EXPECT_EQ(metrics_family_of(t.segment().get(), type, "x", "", nullptr, 0, options.get(), &family),
            METRICS_INVALID);
  EXPECT_EQ(family, nullptr);
  return metrics_last_error();
}

TEST(NativeHistograms, AreRefusedWithAReasonIfTheirOptionsAreWrong) {
  metrics_native native{};
  EXPECT_EQ(refusal(METRICS_HISTOGRAM, Options().native(native)),
            "metrics_native has the size 0; set it to sizeof(metrics_native)");
  native.size = sizeof native;
  EXPECT_EQ(refusal(METRICS_SUMMARY, Options().native(native)),
            "only histograms have native buckets, \"x\" is a summary");
  EXPECT_EQ(refusal(METRICS_COUNTER, Options().native(native)),
            "only histograms have native buckets, \"x\" is a counter");
  native.max = 1e30;
  EXPECT_EQ(refusal(METRICS_HISTOGRAM, Options().native(native)),
            "histogram \"x\" has a native window of 120 powers of two; at most 64 are possible: "
            "raise its minimum, or lower its maximum");
  native.max = 0;
  native.factor = 0.5;
  EXPECT_EQ(refusal(METRICS_HISTOGRAM, Options().native(native)),
            "the factor of a native histogram is 0.500000; it is above 1, and at most 2: from one "
            "bound to the next");
}

TEST(NativeHistograms, AreMadeOfAllHistogramsByTheEnvironment) {
  TempSegment t(kRoomy);
  started([&] {
    ::setenv("METRICS_NATIVE_HISTOGRAMS", "1", 1);
    t.histogram("times", {1, 2}).observe(1.5);
    Family<Summary>("lengths", "", {}, t.options()).observe(1);
  });
  started([&] {
    ::setenv("METRICS_NATIVE_HISTOGRAMS", "0", 1);
    t.histogram("others", {1, 2}).observe(1.5);
  });
  EXPECT_EQ(shown(t, "times").family.native, format::Native{});
  EXPECT_EQ(shown(t, "times").family.bounds, (std::vector<double>{1, 2}));
  EXPECT_EQ(shown(t, "others").family.native, std::nullopt);
  EXPECT_EQ(shown(t, "lengths").family.type, format::Type::kSummary);
}

std::vector<std::string> lines;
void keep_line(metrics_status status, const char* message, void*) {
  EXPECT_EQ(status, METRICS_INVALID);
  lines.push_back(message);
}

TEST(NativeHistograms, AreNotMadeByAnotherWordInTheEnvironmentAndThatIsLoggedOnce) {
  TempSegment t(kRoomy);
  started([&] {
    lines.clear();
    metrics_set_log(&keep_line, nullptr);
    for (const char* word : {"yes", "", "01", "true"}) {
      ::setenv("METRICS_NATIVE_HISTOGRAMS", word, 1);
      t.histogram(std::string("times_") + word, {1, 2}).observe(1.5);
    }
    EXPECT_EQ(lines, std::vector<std::string>{
                         "METRICS_NATIVE_HISTOGRAMS is \"yes\": set it to 1 for native buckets in "
                         "all histograms, or to 0"});
  });
  const Scrape scrape = t.scrape();
  ASSERT_EQ(scrape.family_count(), 4u);
  for (const auto& family : scrape.families().families) {
    EXPECT_EQ(family.native, std::nullopt) << family.name;
  }
}

// Two descriptors are two editions: what both have counted is shown in buckets that split neither.
TEST(NativeHistograms, OfOtherResolutionsAreOneHistogramInTheCoarsest) {
  TempSegment t(kRoomy);
  const auto observe = [&](const Bounds& bounds, const std::optional<Native>& native,
                           const std::vector<double>& values) {
    started([&] {
      const Family<Histogram> times("times", "", {},
                                    {.bounds = bounds, .segment = t.segment(), .native = native});
      for (const double value : values) times.observe(value);
    });
  };
  const std::vector<double> values = {1e-9, 0.01, 0.011, 0.9, 1, 1.2, 3, 100, 5000, -2};
  observe({0.5, 1}, Native{.factor = 1.05}, values);
  observe({0.5, 1}, Native{.factor = 1.2, .min = 0.001, .max = 64, .negative = true}, values);
  observe({1, 2}, std::nullopt, {0.7, 1.5, 9});
  observe({2}, Native{.factor = 1.1}, values);
  const Shown times = shown(t, "times");
  const format::Native joined = {2, -10, 12, true};
  EXPECT_EQ(times.family.native, joined);
  const std::vector<double> grid = format::grid_of(times.family.bounds, joined);
  // Where each value belongs at least; what has no native buckets may be in a higher one.
  std::vector<std::uint64_t> expected(grid.size() + 1);
  const auto count = [&](double upper) {
    ++expected[static_cast<std::size_t>(std::lower_bound(grid.begin(), grid.end(), upper) -
                                        grid.begin())];
  };
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> uppers_of_first = {1e-9, 0.01, 0.011, 0.9, 1, 1.2, 3, 100};
  for (const double v : uppers_of_first) count(v);
  count(infinity);          // 5000 is above the window of the first edition
  count(-0x1p-20 - 1e-15);  // and -2 below it: it goes where that cell ends, to the zero bucket
  for (const double v : {1e-9, 0.01, 0.011, 0.9, 1.0, 1.2, 3.0, -2.0}) count(v);
  for (int i = 0; i < 2; ++i) count(infinity);
  for (const double v : {1.0, 2.0, infinity}) count(v);
  for (const double v : uppers_of_first) count(v);
  count(infinity);
  count(-0x1p-20 - 1e-15);
  EXPECT_EQ(times.counts, expected);
  EXPECT_EQ(t.scrape().count("times"), 33u);
}

}  // namespace
}  // namespace metrics::test
