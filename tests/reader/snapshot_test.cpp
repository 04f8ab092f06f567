#include "libmetrics/reader/snapshot.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "libmetrics/reader/merge.h"
#include "libmetrics/reader/verify.h"
#include "metrics/metrics.hpp"
#include "tests/support/living.h"
#include "tests/support/patch.h"
#include "tests/support/temp_segment.h"

namespace metrics::reader {
namespace {

// The values of a counter family's series, by their first label.
std::map<std::string, std::uint64_t> counts(const std::string& file) {
  std::map<std::string, std::uint64_t> found;
  SegmentMerge merge(file);
  EXPECT_TRUE(merge.read()) << merge.why();
  for (const Family& f : merge.families().families) {
    for (const Series& s : f.series)
      found[s.labels.at(0).value] = merge.families().counter(s).whole;
  }
  return found;
}

TEST(Snapshot, HasNoSeriesWhoseCellsBecameAnothersWhileItWasCopied) {
  test::TempSegment t;
  const metrics::Family<Counter> tasks("tasks", "", {"name"}, t.options());
  tasks.labels("stays").inc(3);
  tasks.labels("goes").inc(5);
  const std::string copy = t.directory() + "/copy.v2";
  bool once = true;
  const std::string why = take_snapshot(t.file(), copy, [&](std::uint64_t, std::uint64_t) {
    if (!std::exchange(once, false)) return;
    tasks.remove("goes");
    // Some of them lie in its chain, and take its record and cells.
    for (int i = 0; i < 200; ++i) tasks.labels(std::to_string(i)).inc(7);
  });
  ASSERT_EQ(why, "");
  using Counts = std::map<std::string, std::uint64_t>;
  EXPECT_EQ(counts(copy), (Counts{{"stays", 3}}));
  Reader reader(copy);
  EXPECT_EQ(verify(reader), std::vector<std::string>{});
}

TEST(Snapshot, HasWhatWasCountedBeforeItBeganAndNothingOfWhatWasRegisteredSince) {
  test::TempSegment t;
  const metrics::Family<Counter> tasks("tasks", "", {"name"}, t.options());
  tasks.labels("a").inc(3);
  const std::string copy = t.directory() + "/copy.v2";
  ASSERT_EQ(
      take_snapshot(t.file(), copy, [&](std::uint64_t, std::uint64_t) { tasks.labels("b").inc(); }),
      "");
  EXPECT_EQ(counts(copy), (std::map<std::string, std::uint64_t>{{"a", 3}}));
}

TEST(Snapshot, RemembersWhoWasAlive) {
  test::TempSegment t;
  const Gauge load = t.gauge("load", Mode::kLiveSum);
  load.set(1);
  test::Living other([&] { load.set(10); });
  const std::string copy = t.directory() + "/copy.v2";
  ASSERT_EQ(take_snapshot(t.file(), copy), "");
  other.kill();
  EXPECT_EQ(t.scrape().gauge("load"), 1);
  EXPECT_EQ(test::Scrape(copy).gauge("load"), 11);
  const std::string second = t.directory() + "/second.v2";
  ASSERT_EQ(take_snapshot(copy, second), "") << "a copy of a copy";
  EXPECT_EQ(test::Scrape(second).gauge("load"), 11);
  Reader first_reader(copy), second_reader(second);
  ASSERT_TRUE(first_reader.look());
  ASSERT_TRUE(second_reader.look());
  EXPECT_EQ(first_reader.usage().taken_ns, second_reader.usage().taken_ns);
}

TEST(Snapshot, RemembersWhetherAProcessCountedWithoutASlot) {
  test::TempSegment t({1, 8, 4096, 64 * 1024});
  const metrics::Counter tasks = t.counter("tasks");
  const test::Living first([&] { tasks.inc(); });
  const auto has_slotless = [&](const std::string& name) {
    const std::string copy = t.directory() + '/' + name + ".v2";
    EXPECT_EQ(take_snapshot(t.file(), copy), "");
    Reader reader(copy);
    EXPECT_TRUE(reader.look()) << reader.why();
    return reader.has_slotless();
  };
  EXPECT_FALSE(has_slotless("before"));
  const test::Living second([&] { tasks.inc(); });
  EXPECT_TRUE(has_slotless("after"));
}

// A record that nobody had linked as a live one while the first copy was made may be one by the
// second: what was copied of its cells is of nobody.
TEST(Snapshot, HasNoRecordThatWasNotLiveFromTheBeginning) {
  test::TempSegment t;
  const metrics::Family<Counter> tasks("tasks", "", {"name"}, t.options());
  for (const char* name : {"stays", "taken", "rests"}) tasks.labels(name).inc(3);
  test::Patch patch(t.file());
  format::SeriesRecord& taken = patch.series("tasks", "taken");
  format::SeriesRecord& resting = patch.series("tasks", "rests");
  taken.record.state = format::with_state(taken.record.state, format::State::kCommitting);
  resting.record.state = format::with_state(resting.record.state, format::State::kResting);
  const std::string copy = t.directory() + "/copy.v2";
  ASSERT_EQ(take_snapshot(t.file(), copy), "");
  const auto state_of = [&](const format::SeriesRecord& record) {
    Reader reader(copy);
    EXPECT_TRUE(reader.look()) << reader.why();
    const auto* there =
        reader.newest_directory().at<format::SeriesRecord>(patch.offset_of(&record));
    return format::state_of(there->record.state);
  };
  EXPECT_EQ(state_of(taken), format::State::kRemoved);
  EXPECT_EQ(state_of(resting), format::State::kResting) << "its cells may be used again";
  EXPECT_EQ(counts(copy), (std::map<std::string, std::uint64_t>{{"stays", 3}}));
}

TEST(Snapshot, IsJoinedByNoProcess) {
  test::TempSegment t;
  t.counter("tasks").inc();
  const std::string copy = t.directory() + "/copy";
  ASSERT_EQ(take_snapshot(t.file(), copy + ".v2"), "");
  const Segment joined(copy);
  EXPECT_EQ(joined.status(), METRICS_INCOMPATIBLE);
  EXPECT_NE(joined.why().find("is a snapshot of a segment"), std::string::npos) << joined.why();
}

TEST(Snapshot, IsNotMadeWhereAFileIsAlready) {
  test::TempSegment t;
  t.counter("tasks").inc();
  EXPECT_EQ(take_snapshot(t.file(), t.file()),
            t.file() + " exists already; remove it, or choose another name");
  EXPECT_EQ(t.scraped("tasks"), 1u);
}

}  // namespace
}  // namespace metrics::reader
