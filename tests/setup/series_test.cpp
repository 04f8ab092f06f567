// Which series label values lead to, and how series are removed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "libmetrics/format/hash.h"
#include "tests/support/gate.h"
#include "tests/support/living.h"
#include "tests/support/patch.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

TEST(Labels, AreAnyKindOfString) {
  TempSegment t;
  Family<Counter> tasks("tasks", "", {"type", "host"}, {.segment = t.segment()});
  const std::string host = "a";
  const std::string_view longer = "image and more";
  tasks.labels("image", host).inc();
  tasks.labels(longer.substr(0, 5), host.c_str()).inc();
  tasks.labels(std::string("image"), std::string_view(host)).inc();
  EXPECT_EQ(t.scrape().count("tasks", {"image", "a"}), 3u);
}

TEST(Labels, InAnotherNumberOrNullAreRefused) {
  TempSegment t;
  const Family<Counter> tasks("tasks", "", {"a", "b"}, t.options());
  EXPECT_THROW(tasks.labels("x"), std::invalid_argument);
  EXPECT_THROW(tasks.labels("x", "y", "z"), std::invalid_argument);
  metrics_family* family = nullptr;
  const char* names[] = {"a", "b"};
  ASSERT_EQ(metrics_family_of(t.segment().get(), METRICS_COUNTER, "tasks", "", names, 2, nullptr,
                              &family),
            METRICS_OK);
  const char* values[] = {"x", nullptr};
  metrics_counter* counter = nullptr;
  EXPECT_EQ(metrics_counter_labels(family, values, 2, &counter), METRICS_INVALID);
  EXPECT_STREQ(metrics_last_error(), "label string 1 is NULL; write \"\"");
  EXPECT_EQ(counter, nullptr);
  metrics_counter_inc(counter, 1);
  EXPECT_EQ(metrics_counter_labels(family, nullptr, 2, &counter), METRICS_INVALID);
  metrics_gauge* gauge = nullptr;
  EXPECT_EQ(metrics_gauge_labels(family, names, 2, &gauge), METRICS_INVALID);
  EXPECT_STREQ(metrics_last_error(), "\"tasks\" is a counter, no other type");
  EXPECT_EQ(t.scrape().series_count("tasks"), 0u);
}

TEST(Labels, AreToldApartHoweverTheyAreCut) {
  TempSegment t;
  const Family<Counter> tasks("tasks", "", {"a", "b"}, t.options());
  const std::vector<std::vector<std::string>> all = {{"", ""},
                                                     {"a", ""},
                                                     {"", "a"},
                                                     {"a", "bc"},
                                                     {"ab", "c"},
                                                     {"abc", ""},
                                                     {std::string(16 * 1024, 'x'), "y"}};
  std::uint64_t n = 0;
  for (const auto& values : all) tasks.labels(values).inc(++n);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.series_count("tasks"), all.size());
  n = 0;
  for (const auto& values : all) EXPECT_EQ(scrape.count("tasks", values), ++n);
}

constexpr Geometry kForLongLabels = {8, 8, 4096, 1 << 20};
const std::string kLong(20'000, 'x');                         // longer than a segment's strings
const std::string kCut = std::string(16381, 'x') + "\u2026";  // how it stands there

TEST(LongLabels, CountInOneSeriesWithAllThatBeginAlike) {
  TempSegment t(kForLongLabels);
  const Family<Counter> tasks("tasks", "", {"path", "type"}, t.options());
  tasks.labels(kLong, "a").inc(1);
  tasks.labels(kLong + "another end", "a").inc(10);
  tasks.with({{"type", "a"}, {"path", kLong}}).inc(100);
  tasks.labels(kCut, "a").inc(1000);
  tasks.labels(kLong, "b").inc(7);
  const std::string latin(6000, '\xe9');  // three bytes each once they are repaired
  tasks.labels(latin, "a").inc(3);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.series_count("tasks"), 3u);
  EXPECT_EQ(scrape.count("tasks", {kCut, "a"}), 1111u);
  EXPECT_EQ(scrape.count("tasks", {kCut, "b"}), 7u);
}

TEST(LongLabels, AreCountedAtEachLookUp) {
  TempSegment t(kForLongLabels);
  const Family<Histogram> seconds("seconds", "", {"path"}, t.options());
  for (int i = 0; i < 3; ++i) seconds.labels(kLong).observe(1);
  EXPECT_EQ(t.scrape().dropped(format::Drop::kLabelValueCut), 3u);
  seconds.labels(kCut).observe(1);
  seconds.labels("a").observe(1);
  EXPECT_EQ(t.scrape().dropped(format::Drop::kLabelValueCut), 3u);
  EXPECT_EQ(t.scrape().count("seconds", {kCut}), 4u);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.usage().refusals[std::size_t(format::Drop::kLabelValueCut)].family, "seconds");
}

// A gauge's own value is in the object that the look-up finds.
TEST(LongLabels, OfAGaugeLeadToOneObject) {
  TempSegment t(kForLongLabels);
  const Family<Gauge> load("load", "", {"path"}, {.mode = Mode::kSum, .segment = t.segment()});
  load.labels(kLong).inc(2);
  load.labels(kLong + "y").inc(3);
  EXPECT_EQ(load.labels(kCut).value(), 5);
}

TEST(LongLabels, OfAnInfoAreCut) {
  TempSegment t(kForLongLabels);
  const Family<Info> build("build", "", t.options());
  build.state({{"version", kLong}});
  build.state({{"version", kLong + "y"}});
  EXPECT_TRUE(t.scrape().has("build", {kCut}));
  EXPECT_EQ(t.scrape().series_count("build"), 1u);
  build.remove({{"version", kLong}});
  EXPECT_EQ(t.scrape().series_count("build"), 0u);
  EXPECT_THROW(build.state({{kLong, "1"}}), std::invalid_argument) << "a name is the program's";
}

TEST(LongLabels, FindTheirSeriesToRemoveIt) {
  TempSegment t(kForLongLabels);
  const Family<Counter> tasks("tasks", "", {"path"}, t.options());
  const Counter before = tasks.labels(kLong);
  tasks.remove(kLong + "y");
  EXPECT_EQ(t.scrape().series_count("tasks"), 0u);
  before.inc(100);
  tasks.labels(kLong).inc(2);
  EXPECT_EQ(t.scrape().count("tasks", {kCut}), 2u);
}

TEST(LongLabels, OfADefinitionAreRefused) {
  TempSegment t(kForLongLabels);
  EXPECT_THROW(Family<Counter>("tasks", "", {kLong}, t.options()), std::invalid_argument);
  EXPECT_THROW(Family<Counter>("tasks", kLong, {}, t.options()), std::invalid_argument);
}

// Two values with one hash would be one series if a difference between them were overlooked.
TEST(SameBytes, SeesADifferenceInAnyByteOfAnySize) {
  for (std::size_t size = 0; size <= 40; ++size) {
    const std::string value(size, 'x');
    EXPECT_TRUE(format::same_bytes(value.data(), std::string(value).data(), size)) << size;
    for (std::size_t i = 0; i < size; ++i) {
      std::string other = value;
      other[i] ^= 1;
      EXPECT_FALSE(format::same_bytes(value.data(), other.data(), size)) << size << ", " << i;
    }
  }
}

TEST(Labels, OfManySeriesAreAllFound) {
  TempSegment t({8, 8, 16 * 1024, 1 << 20});
  const Family<Counter> tasks("tasks", "", {"name"}, t.options());
  for (unsigned round = 0; round < 2; ++round) {
    for (unsigned i = 0; i < 2000; ++i) tasks.labels(std::to_string(i)).inc(i);
  }
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.series_count("tasks"), 2000u);
  for (unsigned i = 0; i < 2000; ++i) EXPECT_EQ(scrape.count("tasks", {std::to_string(i)}), 2 * i);
}

TEST(Removal, BeginsAnewAtZeroInEveryProcess) {
  TempSegment t;
  Family<Counter> tasks("tasks", "", {"name"}, t.options());
  Counter old = tasks.labels("a");
  old.inc(5);
  tasks.labels("b").inc(7);
  Gate removed;
  Gate gone;
  const pid_t other = forked([&] {
    Counter mine = tasks.labels("a");
    mine.inc(100);
    gone.let_pass();
    removed.pass();
    mine.inc(1000);  // nobody looks there any more
    tasks.labels("a").inc(10);
  });
  gone.pass();
  EXPECT_EQ(t.scrape().count("tasks", {"a"}), 105u);
  tasks.remove({"a"});
  EXPECT_FALSE(t.scrape().has("tasks", {"a"}));
  removed.let_pass();
  EXPECT_EQ(ended(other), 0);
  old.inc(1000);
  EXPECT_EQ(t.scrape().count("tasks", {"a"}), 10u);
  tasks.labels("a").inc();
  EXPECT_EQ(t.scrape().count("tasks", {"a"}), 11u);
  EXPECT_EQ(t.scrape().count("tasks", {"b"}), 7u);
}

TEST(Removal, OfWhatIsNotThereIsNothing) {
  TempSegment t;
  Family<Counter> tasks("tasks", "", {"name"}, t.options());
  tasks.remove({"a"});
  tasks.labels("a").inc();
  tasks.remove({"b"});
  EXPECT_EQ(t.scrape().count("tasks", {"a"}), 1u);
  EXPECT_THROW(tasks.remove({}), std::invalid_argument);
}

TEST(Removal, OfAllLeavesOtherFamilies) {
  TempSegment t;
  Family<Counter> tasks("tasks", "", {"name"}, t.options());
  Family<Gauge> load("load", "", {"name"}, {.mode = Mode::kSum, .segment = t.segment()});
  for (const char* name : {"a", "b", "c"}) {
    tasks.labels(name).inc();
    load.labels(name).set(2);
  }
  tasks.clear();
  EXPECT_EQ(t.scrape().series_count("tasks"), 0u);
  EXPECT_EQ(t.scrape().series_count("load"), 3u);
  tasks.labels("a").inc();
  EXPECT_EQ(t.scrape().count("tasks", {"a"}), 1u);
  load.remove({"b"});
  load.labels("b").inc(1);
  EXPECT_EQ(t.scrape().by_first_label("load"),
            (std::map<std::string, double>{{"a", 2}, {"b", 1}, {"c", 2}}));
}

// Exporters clear a family each round, beside any number of other series: a chain that can't be
// walked shows who looks at the whole directory.
TEST(Removal, OfAllLooksAtNoOthersSeriesIfAllAreTheProcesssOwn) {
  TempSegment t;
  const Family<Counter> tasks("tasks", "", {"name"}, t.options());
  started([&] { tasks.labels("another process's").inc(); });
  tasks.labels("own").inc();
  tasks.clear();
  EXPECT_EQ(t.scrape().series_count("tasks"), 0u);
  for (const char* name : {"a", "b", "c"}) tasks.labels(name).inc();
  auto* const chains = Patch(t.file()).chains();
  const auto empty = std::find_if(chains, chains + Patch(t.file()).header().index_buckets,
                                  [](const format::Chain& c) { return c.first == 0; });
  ASSERT_NE(empty, chains + Patch(t.file()).header().index_buckets);
  metrics_family* family = nullptr;
  const char* const labels[] = {"name"};
  ASSERT_EQ(metrics_family_of(t.segment().get(), METRICS_COUNTER, "tasks", "", labels, 1, nullptr,
                              &family),
            METRICS_OK);
  empty->first = 1;
  EXPECT_EQ(metrics_clear(family), METRICS_OK);
  empty->first = 0;
  EXPECT_EQ(t.scrape().series_count("tasks"), 0u);
  tasks.labels("a").inc(3);
  EXPECT_EQ(t.scrape().count("tasks", {"a"}), 3u);
}

TEST(Infos, AreOneSeriesInWhateverOrderTheirFactsAreTold) {
  TempSegment t;
  info("build", "", {{"version", "1"}, {"commit", "abc"}}, t.segment());
  info("build_info", "", {{"commit", "abc"}, {"version", "1"}}, t.segment());
  EXPECT_EQ(t.scrape().series_count("build"), 1u);
  EXPECT_TRUE(t.scrape().has("build", {"abc", "1"}));
  info("build", "", {{"commit", "abc"}, {"version", "2"}}, t.segment());
  try {
    info("build", "", {{"", "1"}}, t.segment());
    FAIL() << "no name of a label";
  } catch (const std::invalid_argument& e) {
    EXPECT_NE(std::string(e.what()).find("\"build"), std::string::npos) << e.what();
  }
  EXPECT_EQ(t.scrape().series_count("build"), 2u);
  metrics_family* build = nullptr;
  ASSERT_EQ(
      metrics_family_of(t.segment().get(), METRICS_INFO, "build", "", nullptr, 0, nullptr, &build),
      METRICS_OK);
  const char* fact[] = {"version", "1", "commit", "abc"};
  EXPECT_EQ(metrics_remove(build, fact, 4), METRICS_OK);
  EXPECT_FALSE(t.scrape().has("build", {"abc", "1"}));
  EXPECT_EQ(metrics_remove(build, fact, 3), METRICS_INVALID);
  Family<Info>("build", "", {t.segment()}).clear();
  EXPECT_EQ(t.scrape().series_count("build"), 0u);
  EXPECT_THROW(info("build", "", {{"le", "1"}}, t.segment()), std::invalid_argument);
  EXPECT_THROW(info("build", "", {{"a", "1"}, {"a", "2"}}, t.segment()), std::invalid_argument);
}

}  // namespace
}  // namespace metrics::test
