// What a slot has counted, family by family, wherever its pages are holes.
#include "libmetrics/reader/family_counts.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "libmetrics/reader/merge.h"
#include "tests/support/living.h"
#include "tests/support/patch.h"
#include "tests/support/temp_segment.h"

namespace metrics::reader {
namespace {

constexpr int kBounds = 1020;  // so that the cells of a series reach over two whole pages
constexpr std::uint64_t kCellsOfAPage = format::kPage / sizeof(format::Cell);

// Returns what was counted in a slot, by the family's name.
std::vector<std::pair<std::string, double>> counted(Reader& reader, format::SlotIndex slot = 1) {
  const auto counts = FamilyCounter().of(reader, slot);
  EXPECT_TRUE(counts) << reader.why();
  std::vector<std::pair<std::string, double>> found;
  for (const FamilyCounts::Family& f : counts->families) {
    found.emplace_back(reader.catalogue()->contents.families[f.family].name, f.counted);
  }
  return found;
}
using Counted = std::vector<std::pair<std::string, double>>;

class HolesInASlot : public ::testing::Test {
 protected:
  HolesInASlot() {
    std::vector<double> bounds;
    for (int i = 0; i < kBounds; ++i) bounds.push_back(i);
    before_.inc(3);
    segment_.histogram("filler", Bounds(std::vector<double>(bounds.begin(), bounds.begin() + 100)));
    const Histogram wide = segment_.histogram("wide", Bounds(bounds));
    for (const double value : {0, 300, 600, 1019}) wide.observe(value);
    after_ = segment_.counter("after");
    after_.inc(5);
  }
  // Makes a hole of one of slot 1's pages; returns how many observations were there.
  double punch(std::uint64_t page) {
    test::Patch patch(segment_.file());
    const auto& wide = patch.series("wide");
    double lost = 0;
    for (const double value : {0, 300, 600, 1019}) {
      const std::uint64_t cell = wide.first_cell + static_cast<std::uint64_t>(value);
      lost += cell / kCellsOfAPage == page ? 1 : 0;
    }
    const format::Descriptor fd(::open(segment_.file().c_str(), O_RDWR | O_CLOEXEC));
    const std::uint64_t offset = patch.geometry().slot_offset(1) + page * format::kPage;
    EXPECT_EQ(::fallocate(fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                          static_cast<off_t>(offset), static_cast<off_t>(format::kPage)),
              0);
    return lost;
  }

  test::TempSegment segment_;
  Counter before_ = segment_.counter("before"), after_;
};

TEST_F(HolesInASlot, InTheMiddleOfASeriesLeaveWhatIsOnBothSidesCountedOnce) {
  ASSERT_EQ(punch(1), 1) << "the test needs a value there";
  Reader reader(segment_.file());
  ASSERT_TRUE(reader.look()) << reader.why();
  EXPECT_EQ(counted(reader), (Counted{{"before", 3}, {"wide", 3}, {"after", 5}}));
}

TEST_F(HolesInASlot, AtTheBeginningOfASeriesLeaveItsEnd) {
  const double lost = punch(0);
  ASSERT_GT(lost, 0) << "the test needs a value there";
  Reader reader(segment_.file());
  ASSERT_TRUE(reader.look()) << reader.why();
  EXPECT_EQ(counted(reader), (Counted{{"wide", 4 - lost}, {"after", 5}}));
}

TEST(FamilyCounts, OfAGaugeAreOfWhoHasSetItAndNotOfAChildThatCouldButHasNot) {
  test::TempSegment t;
  const Counter tasks = t.counter("tasks");
  const Gauge load = t.gauge("load", Mode::kLiveSum);
  load.set(0);
  const test::Living child([&] { tasks.inc(); });
  Reader reader(t.file());
  ASSERT_TRUE(reader.look()) << reader.why();
  EXPECT_EQ(counted(reader, 1), (Counted{{"load", 0}}));
  EXPECT_EQ(counted(reader, 2), (Counted{{"tasks", 1}}));
}

TEST(FamilyCounts, AreNotOfASeriesThatIsGoneButOfTheOneThatHasItsCells) {
  test::TempSegment t;
  const metrics::Family<Counter> tasks("tasks", "", {"name"}, t.options());
  for (int i = 0; i < 300; ++i) tasks.labels("old" + std::to_string(i)).inc(5);
  SegmentMerge merge(t.file());
  ASSERT_TRUE(merge.read()) << merge.why();
  EXPECT_EQ(counted(merge.reader()), (Counted{{"tasks", 300 * 5}}));
  std::set<std::uint64_t> cells;
  for (const format::SeriesView& s : merge.reader().catalogue()->contents.series) {
    cells.insert(s.first_cell);
  }
  for (int i = 0; i < 300; ++i) tasks.remove("old" + std::to_string(i));
  for (int i = 0; i < 200; ++i) tasks.labels(std::to_string(i)).inc(7);
  ASSERT_TRUE(merge.read()) << merge.why();
  const Contents& contents = merge.reader().catalogue()->contents;
  const auto has_cell = [&](const format::SeriesView& s) {
    return s.is_live() && cells.contains(s.first_cell);
  };
  ASSERT_TRUE(std::any_of(contents.series.begin(), contents.series.end(), has_cell))
      << "the test needs one that has taken the cells";
  ASSERT_FALSE(contents.gaps.empty()) << "the test needs one that is gone";
  EXPECT_EQ(counted(merge.reader()), (Counted{{"tasks", 200 * 7}}));
}

}  // namespace
}  // namespace metrics::reader
