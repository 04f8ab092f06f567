// One segment's slots, as the file holds them, become families. How workers come to hold them is
// tested with libmetrics.
#include "libmetrics/reader/merge.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <bit>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "libmetrics/format/gauge_value.h"
#include "tests/support/gate.h"
#include "tests/support/patch.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::reader {
namespace {

using test::Patch;
using test::TempSegment;

constexpr auto kRelaxed = std::memory_order_relaxed;

std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }

// Workers that own slots 1 and up, do nothing, and end with this object.
class Owners {
 public:
  Owners(const TempSegment& segment, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      Counter claims = segment.counter("claims");
      pids_.push_back(test::forked([&] {
        claims.inc();
        ready_.let_pass();
        for (;;) ::pause();
      }));
      ready_.pass();
    }
  }
  ~Owners() {
    for (const pid_t pid : pids_) test::killed(pid);
  }
  // The one of the first slot, and waits until the kernel says so.
  void kill_first(const TempSegment& segment) {
    test::killed(pids_.front());
    pids_.erase(pids_.begin());
    EXPECT_TRUE(test::becomes_free(segment.file(), 1));
  }

 private:
  test::Gate ready_;
  std::vector<pid_t> pids_;
};

const Family& family_of(const SegmentMerge& merge, const std::string& name) {
  for (const Family& f : merge.families().families) {
    if (f.name == name) return f;
  }
  throw std::runtime_error("no family " + name);
}

TEST(Merge, AddsDoublesInSlotOrder) {
  TempSegment t;
  t.counter("work");
  t.histogram("wait", {1.0});
  const Owners owners(t, 3);
  Patch patch(t.file());
  const auto& work = patch.series("work");
  const auto& wait = patch.series("wait");
  const auto put = [&](format::SlotIndex slot, double value) {
    patch.cells(slot, work)[format::kCounterFraction].store(bits(value), kRelaxed);
    patch.cells(slot, wait)[format::histogram_sum(1)].store(bits(value), kRelaxed);
  };
  // A 1 is too small for 1e16 to notice, two of them are not: any other order than this has another
  // sum.
  put(1, 1e16);
  put(2, 1);
  put(3, 1);
  SegmentMerge merge(t.file());
  ASSERT_TRUE(merge.read()) << merge.why();
  const Family& counters = family_of(merge, "work");
  EXPECT_EQ(merge.families().counter(counters.series.at(0)).fraction, 1e16);
  const Family& histograms = family_of(merge, "wait");
  EXPECT_EQ(merge.families().sum(histograms, histograms.series.at(0)), 1e16);
}

TEST(Merge, AddsWholeNumbersExactly) {
  TempSegment t;
  t.counter("tasks");
  const Owners owners(t, 2);
  Patch patch(t.file());
  const auto& tasks = patch.series("tasks");
  constexpr std::uint64_t kLarge = std::uint64_t{1} << 53;  // doubles end here
  patch.cells(0, tasks)[0].store(1, kRelaxed);
  patch.cells(1, tasks)[0].store(kLarge, kRelaxed);
  patch.cells(2, tasks)[0].store(1, kRelaxed);
  SegmentMerge merge(t.file());
  ASSERT_TRUE(merge.read()) << merge.why();
  EXPECT_EQ(merge.families().counter(family_of(merge, "tasks").series.at(0)).whole, kLarge + 2);
}

TEST(Merge, ReadsOneSlotAlone) {
  TempSegment t;
  t.counter("tasks");
  const Owners owners(t, 2);
  Patch patch(t.file());
  for (const format::SlotIndex slot : {0u, 1u, 2u}) {
    patch.cells(slot, patch.series("tasks"))[0].store(10 + slot, kRelaxed);
  }
  SegmentMerge merge(t.file());
  for (const format::SlotIndex slot : {2u, 0u, 1u}) {
    ASSERT_TRUE(merge.read_slot(slot)) << merge.why();
    const auto& tasks = family_of(merge, "tasks");
    EXPECT_EQ(merge.families().counter(tasks.series.at(0)).whole, 10 + slot);
  }
}

TEST(Merge, KeepsItsShapeWhileNothingButValuesChanges) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  Gauge queue = t.gauge("queue", Mode::kMax);
  SegmentMerge merge(t.file());
  const auto shape = [&] {
    EXPECT_TRUE(merge.read()) << merge.why();
    return merge.families().shape;
  };
  const std::uint64_t first = shape();
  EXPECT_NE(first, 0u);
  tasks.inc();
  EXPECT_EQ(shape(), first);
  queue.set(1);
  const std::uint64_t with_sample = shape();
  EXPECT_NE(with_sample, first) << "the gauge has a sample now";
  queue.set(2);
  tasks.inc();
  EXPECT_EQ(shape(), with_sample);
  EXPECT_EQ(merge.families().gauge(family_of(merge, "queue").series.at(0)), 2);
  t.counter("more");
  EXPECT_NE(shape(), with_sample) << "there is another family";
}

TEST(Merge, KeepsItsShapeWhileItCannotRead) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  tasks.inc();
  SegmentMerge merge(t.file());
  ASSERT_TRUE(merge.read());
  const std::uint64_t up = merge.families().shape;
  ASSERT_EQ(::unlink(t.file().c_str()), 0);
  ASSERT_FALSE(merge.read());
  const std::uint64_t down = merge.families().shape;
  EXPECT_NE(down, up);
  EXPECT_TRUE(merge.families().families.empty());
  ASSERT_FALSE(merge.read());
  EXPECT_EQ(merge.families().shape, down);
}

TEST(Merge, LeavesOutWhatWasRemoved) {
  TempSegment t;
  metrics::Family<Counter> tasks("tasks", "", {"type"}, t.options());
  tasks.labels("a").inc(1);
  tasks.labels("b").inc(2);
  tasks.remove({"a"});
  SegmentMerge merge(t.file());
  ASSERT_TRUE(merge.read());
  const auto& found = family_of(merge, "tasks");
  ASSERT_EQ(found.series.size(), 1u);
  EXPECT_EQ(found.series[0].labels, (std::vector<Label>{{"type", "b"}}));
  EXPECT_EQ(merge.families().counter(found.series[0]).whole, 2u);
  tasks.labels("a").inc(4);  // anew, in cells of its own
  ASSERT_TRUE(merge.read());
  EXPECT_EQ(family_of(merge, "tasks").series.size(), 2u);
}

using Samples = std::map<std::string, double>;  // by pid, or by ""

// Slots 1 to 3 hold 3, -1 and 7, stamped 20, 30 and 10; slot 4 has set nothing. Then the first
// owner dies.
struct ModeCase {
  const char* name;
  Mode mode;
  Samples all_alive, first_dead;
};
void PrintTo(const ModeCase& c, std::ostream* out) { *out << c.name; }

class MergeGauges : public ::testing::TestWithParam<ModeCase> {
 protected:
  Samples merged(const TempSegment& t) {
    SegmentMerge merge(t.file());
    EXPECT_TRUE(merge.read()) << merge.why();
    Samples samples;
    for (const Series& s : family_of(merge, "load").series) {
      samples[s.labels.empty() ? "" : s.labels.at(0).value] = merge.families().gauge(s);
    }
    return samples;
  }
};

// Returns what the generation cell of the gauge "load" holds in a slot that was claimed once.
std::uint64_t first_life(Patch& patch) {
  const std::uint64_t state = patch.series("load").record.state.load(kRelaxed);
  return format::GaugeWord{format::gauge_version(state), 1}.word();
}

TEST_P(MergeGauges, CombineAsTheirModeSays) {
  TempSegment t;
  t.gauge("load", GetParam().mode);
  Owners owners(t, 4);
  Patch patch(t.file());
  constexpr std::array<std::pair<double, std::uint64_t>, 3> kHeld = {{{3, 20}, {-1, 30}, {7, 10}}};
  for (format::SlotIndex slot = 1; slot <= kHeld.size(); ++slot) {
    auto* cells = patch.cells(slot, patch.series("load"));
    cells[format::kGaugeGeneration].store(first_life(patch), kRelaxed);
    cells[format::kGaugeValue].store(format::encode_gauge(kHeld[slot - 1].first), kRelaxed);
    cells[format::kGaugeStamp].store(kHeld[slot - 1].second, kRelaxed);
    patch.head(slot).pid.store(100 + slot, kRelaxed);
  }
  EXPECT_EQ(merged(t), GetParam().all_alive);
  owners.kill_first(t);
  EXPECT_EQ(merged(t), GetParam().first_dead);
}

INSTANTIATE_TEST_SUITE_P(
    , MergeGauges,
    ::testing::Values(ModeCase{"all",
                               Mode::kAll,
                               {{"101", 3}, {"102", -1}, {"103", 7}},
                               {{"101", 3}, {"102", -1}, {"103", 7}}},
                      ModeCase{"liveall",
                               Mode::kLiveAll,
                               {{"101", 3}, {"102", -1}, {"103", 7}},
                               {{"102", -1}, {"103", 7}}},
                      ModeCase{"sum", Mode::kSum, {{"", 9}}, {{"", 9}}},
                      ModeCase{"livesum", Mode::kLiveSum, {{"", 9}}, {{"", 6}}},
                      ModeCase{"min", Mode::kMin, {{"", -1}}, {{"", -1}}},
                      ModeCase{"livemin", Mode::kLiveMin, {{"", -1}}, {{"", -1}}},
                      ModeCase{"max", Mode::kMax, {{"", 7}}, {{"", 7}}},
                      ModeCase{"livemax", Mode::kLiveMax, {{"", 7}}, {{"", 7}}},
                      ModeCase{"mostrecent", Mode::kMostRecent, {{"", -1}}, {{"", -1}}},
                      ModeCase{"livemostrecent", Mode::kLiveMostRecent, {{"", -1}}, {{"", -1}}}),
    [](const auto& test) { return test.param.name; });

TEST_F(MergeGauges, OnlySumsHaveASampleBeforeAnyGaugeIsSet) {
  TempSegment t;
  for (const Mode mode : {Mode::kAll, Mode::kMin, Mode::kLiveMax, Mode::kMostRecent}) {
    t.gauge("none" + std::to_string(static_cast<int>(mode)), mode);
  }
  t.gauge("sum", Mode::kSum);
  t.gauge("livesum", Mode::kLiveSum);
  SegmentMerge merge(t.file());
  ASSERT_TRUE(merge.read());
  for (const Family& f : merge.families().families) {
    const bool is_sum = f.name.ends_with("sum");
    EXPECT_EQ(f.series.size(), is_sum ? 1u : 0u) << f.name;
    if (is_sum) {
      EXPECT_EQ(merge.families().gauge(f.series.at(0)), 0);
    }
  }
}

TEST_F(MergeGauges, OnlyLiveModesForgetAnOwnerThatHasDied) {
  for (const auto& [mode, expected] : std::map<Mode, double>{{Mode::kLiveMin, 5},
                                                             {Mode::kLiveMax, 5},
                                                             {Mode::kMin, 1},
                                                             {Mode::kMax, 5},
                                                             {Mode::kLiveMostRecent, 5}}) {
    TempSegment t;
    t.gauge("load", mode);
    Owners owners(t, 2);
    Patch patch(t.file());
    for (format::SlotIndex slot = 1; slot <= 2; ++slot) {
      auto* cells = patch.cells(slot, patch.series("load"));
      cells[format::kGaugeGeneration].store(first_life(patch), kRelaxed);
      cells[format::kGaugeValue].store(format::encode_gauge(slot == 1 ? 1 : 5), kRelaxed);
      cells[format::kGaugeStamp].store(slot == 1 ? 50 : 40, kRelaxed);
    }
    owners.kill_first(t);
    EXPECT_EQ(merged(t), (Samples{{"", expected}})) << static_cast<int>(mode);
  }
}

TEST_F(MergeGauges, PidsThatComeBackOrAreOfAnotherNamespaceGetTheirSlot) {
  TempSegment t;
  t.gauge("load", Mode::kAll);
  const Owners owners(t, 5);
  Patch patch(t.file());
  const std::uint64_t ours = patch.head(1).pid_namespace.load(kRelaxed);
  ASSERT_NE(ours, 0u);
  for (format::SlotIndex slot = 1; slot <= 5; ++slot) {
    auto* cells = patch.cells(slot, patch.series("load"));
    cells[format::kGaugeGeneration].store(first_life(patch), kRelaxed);
    cells[format::kGaugeValue].store(format::encode_gauge(slot), kRelaxed);
    patch.head(slot).pid.store(slot == 5 ? 78 : 77, kRelaxed);
  }
  patch.head(1).pid_namespace.store(ours + 1, kRelaxed);  // 77 in a container
  patch.head(3).pid_namespace.store(0, kRelaxed);         // nobody knows where
  EXPECT_EQ(merged(t), (Samples{{"77-1", 1}, {"77", 2}, {"77-3", 3}, {"77-4", 4}, {"78", 5}}));
}

TEST_F(MergeGauges, AnAdoptedSlotShowsNoGaugeOfItsFormerOwner) {
  TempSegment t;
  t.gauge("load", Mode::kAll);
  const Owners owners(t, 2);
  Patch patch(t.file());
  for (format::SlotIndex slot = 1; slot <= 2; ++slot) {
    auto* cells = patch.cells(slot, patch.series("load"));
    cells[format::kGaugeGeneration].store(first_life(patch), kRelaxed);
    cells[format::kGaugeValue].store(format::encode_gauge(slot), kRelaxed);
    patch.head(slot).pid.store(100 + slot, kRelaxed);
  }
  patch.head(1).generation.store(2, kRelaxed);  // adopted: the head has another one's pid by now
  EXPECT_EQ(merged(t), (Samples{{"102", 2}}));
}

// Prometheus takes the time of creation for when a series was 0.
TEST(Merge, SeriesOfSeveralEditionsAreAsOldAsTheOldest) {
  TempSegment t;
  const auto seconds = [&](const Bounds& bounds) {
    return metrics::Family<Histogram>("seconds", "", {"type"},
                                      {.bounds = bounds, .segment = t.segment()});
  };
  seconds({1, 2}).labels("a").observe(1);
  format::SeriesRecord& first = Patch(t.file()).series("seconds", "a");
  const std::uint64_t created_ns = first.created_ns;
  SegmentMerge merge(t.file());
  ASSERT_TRUE(merge.read());
  EXPECT_EQ(family_of(merge, "seconds").series.front().created_ns, created_ns);
  const std::uint64_t record = family_of(merge, "seconds").series.front().record;
  EXPECT_NE(record, 0u);
  seconds({3}).labels("a").observe(1);
  ASSERT_TRUE(merge.read());
  ASSERT_EQ(family_of(merge, "seconds").series.size(), 1u);
  EXPECT_EQ(family_of(merge, "seconds").series.front().created_ns, created_ns);
  EXPECT_EQ(family_of(merge, "seconds").series.front().record, record);
  // As if the first one's place had been used before by the other.
  first.created_ns = ~std::uint64_t{0};
  SegmentMerge other(t.file());
  ASSERT_TRUE(other.read());
  EXPECT_GT(family_of(other, "seconds").series.front().created_ns, created_ns);
  EXPECT_LT(family_of(other, "seconds").series.front().created_ns, first.created_ns);
}

}  // namespace
}  // namespace metrics::reader
