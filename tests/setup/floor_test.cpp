// The last eighth of a segment is kept for families that have few series: one family whose label
// values never end leaves room for all others.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/living.h"
#include "tests/support/temp_segment.h"

namespace metrics::test {
namespace {

// The directory ends before the cells do, or after them.
constexpr Geometry kFewBytes = {8, 8, 1 << 20, 128 * 1024};
constexpr Geometry kFewCells = {8, 8, 4096, 8 << 20};
constexpr unsigned kMany = 20'000;

std::string nth(unsigned i) { return "/user/" + std::to_string(i); }

void leaves_room(const Geometry& geometry) {
  TempSegment t(geometry);
  started([&] {
    const Family<Histogram> seconds("seconds", "", {"path"}, t.options());
    for (unsigned i = 0; i < kMany; ++i) seconds.labels(nth(i)).observe(.1);
  });
  ASSERT_LT(t.scrape().series_count("seconds"), kMany);
  const Family<Counter> orders("orders", "", {"kind"}, t.options());
  for (unsigned i = 0; i < 64; ++i) orders.labels(nth(i)).inc();
  t.counter("starts").inc(5);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.series_count("orders"), 64u);
  EXPECT_EQ(scrape.sum_of_counts("orders"), 64u);
  EXPECT_EQ(scrape.count("starts"), 5u);
}

TEST(Floor, AFamilyWhoseLabelValuesNeverEndLeavesBytesForTheOthers) { leaves_room(kFewBytes); }
TEST(Floor, AFamilyWhoseLabelValuesNeverEndLeavesCellsForTheOthers) { leaves_room(kFewCells); }

metrics_status fill(const TempSegment& t) {
  metrics_family* family = nullptr;
  const char* label = "path";
  EXPECT_EQ(metrics_family_of(t.segment().get(), METRICS_COUNTER, "requests", "", &label, 1,
                              nullptr, &family),
            METRICS_OK);
  metrics_status status = METRICS_OK;
  for (unsigned i = 0; status == METRICS_OK && i < kMany; ++i) {
    const std::string path = nth(i);
    const char* value = path.c_str();
    metrics_counter* counter = nullptr;
    status = metrics_counter_labels(family, &value, 1, &counter);
  }
  return status;
}

TEST(Floor, ARefusalNamesItAndWhatToDo) {
  TempSegment bytes(kFewBytes);
  EXPECT_EQ(fill(bytes), METRICS_FULL);
  EXPECT_EQ(metrics_last_error(),
            "the directory of " + bytes.file() +
                " is full for families with more than 64 series: the last eighth is kept for those "
                "with few (131072 bytes): no room for a series of \"requests\"; use fewer label "
                "values, give the family a max_series, beyond which it counts in one series, or "
                "create the segment anew with a larger METRICS_DIRECTORY_BYTES");
  TempSegment cells({8, 8, 256, 128 * 1024});
  EXPECT_EQ(fill(cells), METRICS_FULL);
  EXPECT_EQ(metrics_last_error(),
            "the cells of " + cells.file() +
                " are used up for families with more than 64 series: the last eighth is kept for "
                "those with few (256): none are left for a series of \"requests\"; use fewer label "
                "values, give the family a max_series, beyond which it counts in one series, or "
                "create the segment anew with a larger METRICS_CELLS");
  EXPECT_EQ(cells.scrape().usage().cells_used, 256u - 256 / 8);
}

TEST(Floor, WhatRemovedSeriesLeaveIsFreeForAFamilyWithMany) {
  TempSegment t({8, 8, 256, 128 * 1024});
  EXPECT_EQ(fill(t), METRICS_FULL);
  const Family<Counter> requests("requests", "", {"path"}, t.options());
  requests.labels(nth(100)).inc();  // a process takes what is removed once it has a slot
  for (unsigned round = 0; round < 50; ++round) {
    requests.remove(nth(round));
    requests.labels("/other/" + std::to_string(round)).inc();
  }
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.sum_of_counts("requests"), 1u + 50);
  EXPECT_EQ(scrape.usage().cells_used, 256u - 256 / 8);
}

}  // namespace
}  // namespace metrics::test
