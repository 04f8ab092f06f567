// Removed series' records are used again while a segment is read: no scrape shows one series'
// counts as another's, and none lacks a series that was there all the time.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libmetrics/format/gauge_value.h"
#include "libmetrics/reader/merge.h"
#include "libmetrics/reader/verify.h"
#include "tests/support/gate.h"
#include "tests/support/patch.h"
#include "tests/support/reused.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace {
// Calls that are made before and after each read from a file, with the offset; empty: none.
std::function<void(std::uint64_t offset)> before_read, after_read;
// Does to the bytes that were read from that offset on what a writer may have done meanwhile.
std::function<void(std::uint64_t offset, char* bytes, std::size_t size)> during_read;
}  // namespace

extern "C" ssize_t pread(int fd, void* to, std::size_t bytes, off_t offset) {
  if (before_read) before_read(static_cast<std::uint64_t>(offset));
  const ssize_t got = ::syscall(SYS_pread64, fd, to, bytes, offset);
  if (after_read) after_read(static_cast<std::uint64_t>(offset));
  if (during_read && got > 0) {
    during_read(static_cast<std::uint64_t>(offset), static_cast<char*>(to),
                static_cast<std::size_t>(got));
  }
  return got;
}

namespace metrics::reader {
namespace {

using test::Patch;
using test::Reused;
using test::TempSegment;

constexpr auto kRelaxed = std::memory_order_relaxed;
using Counts = std::map<std::string, std::uint64_t>;  // by label value

// A counter with a series for each of these values of its label, which has counted that many.
class Tasks {
 public:
  explicit Tasks(const Counts& counts, const Geometry& geometry = test::kSmall) : t_(geometry) {
    const metrics::Family<Counter> tasks("tasks", "", {"name"}, t_.options());
    for (const auto& [name, count] : counts) tasks.labels(name).inc(count);
    patch_.emplace(t_.file());
  }
  const TempSegment& segment() const { return t_; }
  Patch& patch() { return *patch_; }
  format::SeriesRecord& record(const std::string& name) { return patch_->series("tasks", name); }
  // Stores a count in the slot of this process.
  void count(const format::SeriesRecord& record, std::uint64_t count) {
    patch_->cells(1, record)[0].store(count, kRelaxed);
  }
  // Returns the place of the record's label value in the file.
  char* label(const std::string& name) { return patch_->label("tasks", name); }

 private:
  TempSegment t_;
  std::optional<Patch> patch_;
};

Counts counts_in(const Families& families) {
  Counts counts;
  for (const Family& f : families.families) {
    for (const Series& s : f.series) {
      EXPECT_TRUE(counts.emplace(s.labels.at(0).value, families.counter(s).whole).second);
    }
  }
  return counts;
}

Counts scraped(SegmentMerge& merge) {
  EXPECT_TRUE(merge.read()) << merge.why();
  EXPECT_EQ(merge.reader().catalogue()->faults, std::vector<std::string>());
  return counts_in(merge.families());
}

class Reuse : public ::testing::TestWithParam<Access> {
 protected:
  ~Reuse() override {
    before_read = after_read = {};
    during_read = {};
  }
};
INSTANTIATE_TEST_SUITE_P(, Reuse, ::testing::Values(Access::kCopied, Access::kMapped),
                         [](const auto& test) {
                           return test.param == Access::kCopied ? "Copied" : "Mapped";
                         });

TEST_P(Reuse, ARecordThatIsTakenBeforeItsCellsAreReadIsLeftOut) {
  Tasks tasks({{"old", 11}, {"stays", 5}});
  SegmentMerge merge(tasks.segment().file(), GetParam());
  format::SeriesRecord& record = tasks.record("old");
  char* label = tasks.label("old");
  Reused reused(tasks.patch(), record);
  Allowance allowance;
  ASSERT_TRUE(merge.examine() && merge.read_directory(allowance));
  reused.rest();
  reused.take();
  std::copy_n("new", 3, label);
  tasks.count(record, 0);
  reused.commit();
  tasks.count(record, 2);
  ASSERT_TRUE(merge.read_values(allowance));
  EXPECT_EQ(counts_in(merge.families()), (Counts{{"stays", 5}}));
  EXPECT_EQ(scraped(merge), (Counts{{"new", 2}, {"stays", 5}}));
}

TEST_P(Reuse, ARecordThatIsTakenAndNotFilledYetIsLeftOut) {
  Tasks tasks({{"old", 11}, {"stays", 5}});
  SegmentMerge merge(tasks.segment().file(), GetParam());
  Reused reused(tasks.patch(), tasks.record("old"));
  Allowance allowance;
  ASSERT_TRUE(merge.examine() && merge.read_directory(allowance));
  reused.rest();
  reused.take();
  tasks.count(tasks.record("old"), 0);
  ASSERT_TRUE(merge.read_values(allowance));
  EXPECT_EQ(counts_in(merge.families()), (Counts{{"stays", 5}}));
}

// What it counted until then was all there.
TEST_P(Reuse, ARecordThatIsRemovedAndNotTakenIsShownOnceMore) {
  Tasks tasks({{"old", 11}, {"stays", 5}});
  SegmentMerge merge(tasks.segment().file(), GetParam());
  Allowance allowance;
  ASSERT_TRUE(merge.examine() && merge.read_directory(allowance));
  Reused(tasks.patch(), tasks.record("old")).rest();
  ASSERT_TRUE(merge.read_values(allowance));
  EXPECT_EQ(counts_in(merge.families()), (Counts{{"old", 11}, {"stays", 5}}));
  EXPECT_EQ(scraped(merge), (Counts{{"stays", 5}}));
}

// The states are copied in pieces, from one live series to the next that is not in the last piece.
TEST_P(Reuse, OfManySeriesExactlyThoseThatAreTakenAreLeftOut) {
  Counts counts;
  for (unsigned i = 0; i < 2000; ++i) counts[std::to_string(i)] = i + 1;
  Tasks tasks(counts, {1, 1, 8192, 1 << 20});
  SegmentMerge merge(tasks.segment().file(), GetParam());
  EXPECT_EQ(scraped(merge), counts);
  for (int round = 0; round < 2; ++round) {
    Allowance allowance;
    ASSERT_TRUE(merge.examine() && merge.read_directory(allowance));
    for (unsigned i = 0; i < 2000; i += 1 + i % 7 * 100) {
      const std::string name = std::to_string(i);
      if (counts.erase(name) == 0) continue;
      Reused reused(tasks.patch(), tasks.record(name));
      reused.rest();
      reused.take();
    }
    ASSERT_TRUE(merge.read_values(allowance));
    EXPECT_EQ(counts_in(merge.families()), counts);
    EXPECT_EQ(scraped(merge), counts);
    counts.erase("1999");
    Reused last(tasks.patch(), tasks.record("1999"));
    last.rest();
    last.take();
    EXPECT_EQ(scraped(merge), counts);
    tasks.count(tasks.record("1999"), 7);
    last.commit();
    counts["1999"] = 7;
  }
}

// A copy is not made at one instant: it may hold a record's strings from before the record was
// filled, and its state from after it was committed.
TEST_P(Reuse, ARecordThatIsFilledWhileItIsCopiedIsLeftOut) {
  Tasks tasks({{"old", 11}, {"stays", 5}});
  SegmentMerge merge(tasks.segment().file(), GetParam());
  format::SeriesRecord& record = tasks.record("old");
  char* label = tasks.label("old");
  Reused reused(tasks.patch(), record);
  const format::Header& header = tasks.patch().header();
  int copies = 0;
  before_read = [&](std::uint64_t offset) {
    if (offset < header.index || offset > header.directory || ++copies != 2) return;
    reused.rest();
    reused.take();
    tasks.count(record, 0);
    reused.commit();
    tasks.count(record, 2);
  };
  after_read = [&](std::uint64_t) {
    if (copies == 2) std::copy_n("new", 3, label);
  };
  EXPECT_EQ(scraped(merge), (Counts{{"stays", 5}}));
  ASSERT_GE(copies, 2);
  before_read = after_read = {};
  EXPECT_EQ(scraped(merge), (Counts{{"new", 2}, {"stays", 5}}));
}

// Behind its state, the record is another series' by the time that it is copied: here one with the
// same label value as a series that was there all the time.
TEST_P(Reuse, ARecordThatIsTakenInTheMiddleOfACopyCostsNoOtherSeries) {
  Tasks tasks({{"stay2", 11}, {"stays", 5}});
  SegmentMerge merge(tasks.segment().file(), GetParam());
  Patch& patch = tasks.patch();
  format::SeriesRecord& record = tasks.record("stay2");
  const std::uint64_t last = patch.offset_of(tasks.label("stay2")) + 4;
  Reused reused(patch, record);
  const format::Header& header = patch.header();
  int copies = 0;
  during_read = [&](std::uint64_t offset, char* bytes, std::size_t size) {
    const bool has_it = offset >= header.index && offset <= last && last < offset + size;
    if (!has_it || ++copies != 2) return;
    reused.rest();
    reused.take();
    bytes[last - offset] = 's';
  };
  EXPECT_EQ(scraped(merge), (Counts{{"stays", 5}}));
  EXPECT_GE(copies, 2);
}

TEST_P(Reuse, ASumOfNoProcessesIsNotShownForAGaugeThatIsTaken) {
  TempSegment t;
  t.gauge("load", Mode::kSum).set(3);
  Patch patch(t.file());
  SegmentMerge merge(t.file(), GetParam());
  ASSERT_TRUE(merge.read());
  ASSERT_EQ(merge.families().families.at(0).series.size(), 1u);
  Reused reused(patch, patch.series("load"));
  Allowance allowance;
  ASSERT_TRUE(merge.examine() && merge.read_directory(allowance));
  reused.rest();
  reused.take();
  ASSERT_TRUE(merge.read_values(allowance));
  EXPECT_EQ(merge.families().families.at(0).series.size(), 0u);
}

TEST_P(Reuse, ARecordThatIsTakenTakesNothingFromThatOfAnotherEdition) {
  TempSegment t;
  t.histogram("wait", Bounds({1, 2})).observe(0.5);
  ASSERT_EQ(test::ended(test::forked([&] { t.histogram("wait", Bounds({1})).observe(0.5); })), 0);
  SegmentMerge merge(t.file(), GetParam());
  ASSERT_TRUE(merge.read());
  ASSERT_EQ(merge.reader().catalogue()->contents.series.size(), 2u);
  Patch patch(t.file());  // finds the first of the two
  Reused reused(patch, patch.series("wait"));
  Allowance allowance;
  ASSERT_TRUE(merge.examine() && merge.read_directory(allowance));
  reused.rest();
  reused.take();
  patch.cells(1, patch.series("wait"))[0].store(1000, kRelaxed);
  ASSERT_TRUE(merge.read_values(allowance));
  const Family& wait = merge.families().families.at(0);
  ASSERT_EQ(wait.series.size(), 1u);
  const auto buckets = merge.families().buckets(wait, wait.series[0]);
  EXPECT_EQ(std::vector<std::uint64_t>(buckets.begin(), buckets.end()),
            (std::vector<std::uint64_t>{1, 0}));
}

TEST_P(Reuse, VerifyFindsNoFaultInWhatATakerStores) {
  Tasks tasks({{"old", 11}, {"stays", 5}});
  Reader reader(tasks.segment().file(), GetParam());
  format::SeriesRecord& record = tasks.record("old");
  Reused reused(tasks.patch(), record);
  const std::uint64_t slots = tasks.patch().header().slots;
  bool taken = false;
  before_read = [&](std::uint64_t offset) {
    if (offset < slots || std::exchange(taken, true)) return;
    reused.rest();
    reused.take();
    tasks.patch().cells(1, record)[1].store(std::bit_cast<std::uint64_t>(-1.0), kRelaxed);
  };
  EXPECT_EQ(verify(reader), std::vector<std::string>());
  EXPECT_TRUE(taken);
  before_read = {};
  tasks.patch().cells(1, tasks.record("stays"))[1].store(std::bit_cast<std::uint64_t>(-1.0),
                                                         kRelaxed);
  EXPECT_EQ(verify(reader).size(), 1u);
}

// Its strings and cells may be another series' by now.
TEST_P(Reuse, WhatARecordHoldsThatIsNotLiveIsNoFault) {
  using format::State;
  for (const State state : {State::kRemoved, State::kResting, State::kTaken, State::kCommitting}) {
    for (const bool is_husk : {false, true}) {
      Tasks tasks({{"old", 11}, {"stays", 5}});
      format::SeriesRecord& record = tasks.record("old");
      record.record.state.store(format::word_of(state, 9), kRelaxed);
      record.family = is_husk ? 0 : 12345;
      record.first_cell = is_husk ? 0 : tasks.record("stays").first_cell;
      record.strings = is_husk ? 0 : tasks.record("stays").strings;
      record.cells_room = record.room = is_husk ? 0 : 1;
      record.string_count = 1000;
      SegmentMerge merge(tasks.segment().file(), GetParam());
      EXPECT_EQ(scraped(merge), (Counts{{"stays", 5}}));
      EXPECT_EQ(merge.reader().catalogue()->contents.idle.size(), 1u);
      EXPECT_EQ(verify(merge.reader()), std::vector<std::string>());
    }
  }
}

TEST_P(Reuse, TheDirectoryIsParsedAnewOnlyWhenARecordBecomesLiveOrStopsBeingIt) {
  Tasks tasks({{"old", 11}, {"stays", 5}});
  SegmentMerge merge(tasks.segment().file(), GetParam());
  format::SeriesRecord& record = tasks.record("old");
  char* label = tasks.label("old");
  Reused reused(tasks.patch(), record);
  scraped(merge);
  auto catalogue = merge.reader().catalogue();
  const auto is_parsed = [&] {
    scraped(merge);
    return std::exchange(catalogue, merge.reader().catalogue()) != merge.reader().catalogue();
  };
  EXPECT_FALSE(is_parsed());
  record.holder = 77;
  tasks.patch().header().clock = 7;
  EXPECT_FALSE(is_parsed());
  reused.rest();
  EXPECT_TRUE(is_parsed());
  reused.rest();
  EXPECT_FALSE(is_parsed());
  reused.take();
  EXPECT_FALSE(is_parsed());
  record.born = 5;
  record.created_ns = 6;
  record.record.hash ^= 1 << 20;
  std::copy_n("new", 3, label);
  EXPECT_FALSE(is_parsed());
  reused.commit();
  EXPECT_TRUE(is_parsed());
  EXPECT_EQ(scraped(merge), (Counts{{"new", 11}, {"stays", 5}}));
}

TEST_P(Reuse, StringsThatStandInTheRecordOfARemovedSeriesAreShownAsTheyAre) {
  Tasks tasks({{"old", 11}, {"stays", 5}});
  SegmentMerge merge(tasks.segment().file(), GetParam());
  format::SeriesRecord& old = tasks.record("old");
  format::SeriesRecord& stays = tasks.record("stays");
  char* label = tasks.label("old");
  Reused(tasks.patch(), old).rest();
  stays.strings = old.strings;
  stays.room = old.room;
  EXPECT_EQ(scraped(merge), (Counts{{"old", 5}}));
  std::copy_n("one", 3, label);
  EXPECT_EQ(scraped(merge), (Counts{{"one", 5}}));
}

// Changes a segment before one of the reads of its directory, another one each time, and once
// after all of them. `change` gets the segment and the record of "old", which was removed.
void at_each_read(Access access, const Counts& before, const Counts& after,
                  const std::function<void(Tasks&, Reused&)>& change) {
  for (int at = 0; at < 9; ++at) {
    Tasks tasks({{"old", 11}, {"stays", 5}});
    SegmentMerge merge(tasks.segment().file(), access);
    EXPECT_EQ(scraped(merge), (Counts{{"old", 11}, {"stays", 5}}));
    Reused reused(tasks.patch(), tasks.record("old"));
    reused.rest();
    const format::Header& header = tasks.patch().header();
    int reads = 0;
    before_read = [&](std::uint64_t offset) {
      if (offset >= header.index && offset < header.slots && reads++ == at) change(tasks, reused);
    };
    const Counts during = scraped(merge);
    before_read = {};
    EXPECT_TRUE(during == before || during == after) << "at read " << at;
    if (reads <= at) change(tasks, reused);
    EXPECT_EQ(scraped(merge), after) << "at read " << at;
  }
}

TEST_P(Reuse, ARecordThatBecomesLiveBetweenTwoCopiesIsShownTheNextTime) {
  at_each_read(GetParam(), {{"stays", 5}}, {{"new", 2}, {"stays", 5}},
               [](Tasks& tasks, Reused& reused) {
                 reused.take();
                 std::copy_n("new", 3, tasks.label("old"));
                 tasks.count(tasks.record("old"), 2);
                 reused.commit();
               });
}

TEST_P(Reuse, ASeriesThatIsLinkedBetweenTwoCopiesIsShownTheNextTime) {
  at_each_read(GetParam(), {{"stays", 5}}, {{"late", 7}, {"stays", 5}}, [](Tasks& tasks, Reused&) {
    const metrics::Family<Counter> again("tasks", "", {"name"}, tasks.segment().options());
    again.labels("late").inc(7);
  });
}

TEST_P(Reuse, AGaugesValueCountsOnlyForTheVersionThatItWasSetFor) {
  constexpr std::uint64_t kVersion = (std::uint64_t{1} << 31) + 7;
  for (const Mode mode : {Mode::kSum, Mode::kLiveSum, Mode::kMostRecent, Mode::kAll}) {
    TempSegment t;
    t.gauge("load", mode).set(3);
    Patch patch(t.file());
    format::SeriesRecord& record = patch.series("load");
    format::Cell& cell = patch.cells(1, record)[format::kGaugeGeneration];
    const std::uint64_t generation = cell.load(kRelaxed);
    SegmentMerge merge(t.file(), GetParam());
    const auto shown = [&]() -> std::optional<double> {
      EXPECT_TRUE(merge.read()) << merge.why();
      EXPECT_EQ(verify(merge.reader()), std::vector<std::string>());
      const auto& series = merge.families().families.at(0).series;
      if (series.empty()) return std::nullopt;
      return merge.families().gauge(series[0]);
    };
    EXPECT_EQ(shown(), 3);
    const bool is_sum = mode == Mode::kSum || mode == Mode::kLiveSum;
    const std::optional<double> none = is_sum ? std::optional<double>(0) : std::nullopt;
    record.record.state.store(format::word_of(format::State::kLive, kVersion), kRelaxed);
    EXPECT_EQ(shown(), none);
    cell.store(generation | 7ull << 32, kRelaxed);
    EXPECT_EQ(shown(), none);
    cell.store(generation | kVersion << 32, kRelaxed);
    EXPECT_EQ(shown(), 3);
    cell.store(generation | (kVersion + 1) << 32, kRelaxed);
    EXPECT_EQ(shown(), none);
  }
}

TEST_P(Reuse, AnInfoIsStatedOnlyForTheVersionThatItWasStatedFor) {
  TempSegment t;
  info("build", "", {{"version", "1"}}, t.segment());
  Patch patch(t.file());
  format::SeriesRecord& record = patch.series("build", "version");
  format::Cell& cell = patch.cells(1, record)[format::kGaugeGeneration];
  SegmentMerge merge(t.file(), GetParam());
  const auto count = [&] {
    EXPECT_TRUE(merge.read()) << merge.why();
    return merge.families().families.at(0).series.size();
  };
  EXPECT_EQ(count(), 1u);
  const std::uint64_t version = format::rest_of(record.record.state.load(kRelaxed));
  record.record.state.store(format::word_of(format::State::kLive, version + 1), kRelaxed);
  EXPECT_EQ(count(), 0u);
  cell.store(cell.load(kRelaxed) + (1ull << 32), kRelaxed);
  EXPECT_EQ(count(), 1u);
}

// Another process removes and makes anew as fast as it can, as long as this one scrapes: a label
// value's counts are its own, or 0, and what is there all the time is in each scrape.
TEST_P(Reuse, BesideAProcessThatUsesRecordsAgainNoScrapeMixesThem) {
  constexpr int kScrapes = 3000;
  constexpr unsigned kRecords = 8;
  Counts counts{{"stays", 5}};
  for (unsigned i = 0; i < kRecords; ++i) counts["000" + std::to_string(i)] = i;
  Tasks tasks(counts);
  test::Gate begun;
  const pid_t churner = test::forked([&] {
    struct Place {
      Reused reused;
      format::SeriesRecord& record;
      char* label;
    };
    std::vector<Place> places;
    for (unsigned i = 0; i < kRecords; ++i) {
      const std::string name = "000" + std::to_string(i);
      format::SeriesRecord& record = tasks.record(name);
      places.push_back({Reused(tasks.patch(), record), record, tasks.label(name)});
    }
    begun.let_pass();
    for (unsigned n = kRecords;; n = n == 9999 ? kRecords : n + 1) {
      Place& place = places[n % kRecords];
      place.reused.rest();
      place.reused.take();
      tasks.count(place.record, 0);
      const std::string name = std::to_string(10'000 + n).substr(1);
      std::copy_n(name.data(), name.size(), place.label);
      place.reused.commit();
      tasks.count(place.record, n);
    }
  });
  begun.pass();
  SegmentMerge merge(tasks.segment().file(), GetParam());
  std::size_t seen = 0;
  for (int i = 0; i < kScrapes; ++i) {
    for (const auto& [name, count] : scraped(merge)) {
      if (name == "stays") {
        ++seen;
        EXPECT_EQ(count, 5u);
      } else if (count != 0) {
        EXPECT_EQ(count, std::stoul(name));
      }
    }
    if (HasFailure()) break;
  }
  test::killed(churner);
  EXPECT_EQ(seen, kScrapes);
}

}  // namespace
}  // namespace metrics::reader
