#include "aggregator/scrape/own_metrics.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/support/patch.h"
#include "tests/support/reused.h"
#include "tests/support/temp_segment.h"

namespace metrics::scrape {
namespace {

using test::TempSegment;

std::optional<double> value(const reader::Families& families, const std::string& name,
                            const std::vector<reader::Label>& labels) {
  for (const reader::Family& f : families.families) {
    for (const reader::Series& s : f.series) {
      if (f.name != name || s.labels != labels) continue;
      return f.type == format::Type::kCounter ? static_cast<double>(families.counter(s).whole)
                                              : families.gauge(s);
    }
  }
  return std::nullopt;
}

TEST(OwnMetrics, KeepTheirShapeFromScrapeToScrape) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  tasks.inc();
  reader::Reader reader(t.file());
  ASSERT_TRUE(reader.look());
  OwnMetrics own;
  const std::vector<SegmentState> up = {{"s", true, "", &reader}};
  const std::uint64_t shape = own.collect(up, 0.1).shape;
  tasks.inc();
  t.counter("more").inc(-1);
  ASSERT_TRUE(reader.look());
  const reader::Families& again = own.collect(up, 0.2);
  EXPECT_EQ(again.shape, shape);
  EXPECT_EQ(value(again, "metrics_segment_families", {{"segment", "s"}}), 2);
  EXPECT_EQ(value(again, "metrics_segment_dropped_updates",
                  {{"segment", "s"}, {"reason", "counter_negative"}}),
            1);
  EXPECT_EQ(value(again, "metrics_aggregator_scrapes", {}), 2);
  EXPECT_EQ(value(again, "metrics_aggregator_scrape_duration_seconds", {}), 0.2);

  const std::vector<SegmentState> down = {{"s", false, "is gone", &reader}};
  const std::uint64_t without = own.collect(down, 0.1).shape;
  EXPECT_NE(without, shape);
  EXPECT_EQ(own.collect(down, 0.1).shape, without);
  const reader::Families& gone = own.collect(down, 0.1);
  EXPECT_EQ(value(gone, "metrics_segment_up", {{"segment", "s"}}), 0);
  EXPECT_EQ(value(gone, "metrics_segment_families", {{"segment", "s"}}), std::nullopt);
}

TEST(OwnMetrics, ShowWhatOthersAddFromTheNextCollectionOn) {
  OwnMetrics own;
  const std::uint64_t shape = own.collect({}, 0.1).shape;
  double clients = 1;
  own.add([&clients](reader::FamiliesBuilder& build) {
    build.family(format::Type::kGauge, "clients", "Help.").gauge({{"state", "idle"}}, clients);
  });
  const std::vector<reader::Label> idle = {{"state", "idle"}};
  const std::uint64_t with_clients = own.collect({}, 0.1).shape;
  EXPECT_NE(with_clients, shape);
  clients = 2;
  const reader::Families& now = own.collect({}, 0.1);
  EXPECT_EQ(value(now, "clients", idle), 2);
  EXPECT_EQ(now.shape, with_clients);
  EXPECT_EQ(value(now, "metrics_aggregator_scrapes", {}), 3);
}

TEST(OwnMetrics, ShowWhoseFileEachSegmentIs) {
  OwnMetrics own;
  const auto owners = [&](const std::vector<SegmentState>& states) {
    std::vector<std::vector<reader::Label>> found;
    for (const reader::Family& f : own.collect(states, 0).families) {
      if (f.name != "metrics_segment") continue;
      for (const reader::Series& s : f.series) found.push_back(s.labels);
    }
    return found;
  };
  const SegmentState refused = {"s", false, "belongs to user mallory", nullptr, "mallory"};
  const SegmentState absent = {"t", false, "does not exist", nullptr};
  using Found = std::vector<std::vector<reader::Label>>;
  EXPECT_EQ(owners({refused, absent}), (Found{{{"segment", "s"}, {"owner", "mallory"}}}));
  SegmentState given_away = refused;
  given_away.owner = "alice";
  EXPECT_EQ(owners({given_away, absent}), (Found{{{"segment", "s"}, {"owner", "alice"}}}));
}

TEST(OwnMetrics, ShowRemovedSeriesThatAreHeldBackAndWhereNoneIsUsedAgain) {
  TempSegment t;
  const Family<Counter> tasks("tasks", "", {"name"}, t.options());
  for (const char* name : {"one", "two", "stays"}) tasks.labels(name).inc();
  test::Patch patch(t.file());
  patch.header().features = format::kReuse;
  patch.series("tasks", "one").holder = format::kManyHolders;
  for (const char* name : {"one", "two"}) test::Reused(patch, patch.series("tasks", name)).rest();
  reader::Reader reader(t.file());
  const std::vector<reader::Label> segment = {{"segment", "s"}};
  const auto shown = [&](const std::string& name) {
    EXPECT_TRUE(reader.look()) << reader.why();
    return value(OwnMetrics().collect({{"s", true, "", &reader}}, 0), name, segment);
  };
  EXPECT_EQ(shown("metrics_segment_series"), 3);
  EXPECT_EQ(shown("metrics_segment_series_held_back"), 1);
  EXPECT_EQ(shown("metrics_segment_reuse_disabled"), 0);
  patch.header().unowned = 1;
  EXPECT_EQ(shown("metrics_segment_series_held_back"), 2);
  EXPECT_EQ(shown("metrics_segment_reuse_disabled"), 1);
  patch.header().unowned = 0;
  patch.header().features = 0;  // as in a file of version 2.0
  EXPECT_EQ(shown("metrics_segment_reuse_disabled"), 1);
}

TEST(OwnMetrics, CountTheSlotsOfAReplacedSegmentAnew) {
  TempSegment large(Geometry{64, 64, 4096, 64 * 1024});
  large.counter("tasks").inc();
  TempSegment small(Geometry{1, 1, 4096, 64 * 1024});
  small.counter("tasks");
  reader::Reader before(large.file()), after(small.file());
  ASSERT_TRUE(before.look() && after.look());
  OwnMetrics own;
  const std::vector<reader::Label> free = {{"segment", "s"}, {"state", "free"}};
  EXPECT_EQ(value(own.collect({{"s", true, "", &before}}, 0), "metrics_segment_slots", free), 63);
  EXPECT_EQ(value(own.collect({{"s", true, "", &after}}, 0), "metrics_segment_slots", free), 1);
}

}  // namespace
}  // namespace metrics::scrape
