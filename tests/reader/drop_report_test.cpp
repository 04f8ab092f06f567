// Whether what was refused last for want of room would be refused again.
#include <gtest/gtest.h>

#include <optional>

#include "libmetrics/format/clock.h"
#include "libmetrics/reader/dropped.h"
#include "tests/support/patch.h"
#include "tests/support/temp_segment.h"

namespace metrics::reader {
namespace {

using format::Drop;

// Returns whether a refusal that lacked so much lasts, if the segment can tell.
std::optional<bool> lasts(const test::TempSegment& t, Drop reason, std::uint64_t needed) {
  test::Patch patch(t.file());
  format::Refusal& last = patch.header().refusals[static_cast<std::size_t>(reason)];
  last.needed = needed;
  last.when_ns = 1;
  Reader reader(t.file());
  EXPECT_TRUE(reader.look()) << reader.why();
  return drop_report(reader).at(static_cast<std::size_t>(reason)).now;
}

TEST(DropReport, CellsAreFullAsLongAsWhatWasNeededLastIsMoreThanIsLeft) {
  test::TempSegment t;
  t.counter("tasks").inc();
  const std::uint64_t left = test::kSmall.cells - test::Patch(t.file()).header().cells_used;
  EXPECT_EQ(lasts(t, Drop::kCellsFull, left), false);
  EXPECT_EQ(lasts(t, Drop::kCellsFull, left + 1), true);
}

TEST(DropReport, TheDirectoryIsFullAsLongAsWhatWasNeededLastIsMoreThanIsLeftOrAChainWas) {
  test::TempSegment t;
  t.counter("tasks").inc();
  test::Patch patch(t.file());
  const std::uint64_t left = patch.geometry().directory_bytes - patch.header().directory_used;
  EXPECT_EQ(lasts(t, Drop::kDirectoryFull, left), false);
  EXPECT_EQ(lasts(t, Drop::kDirectoryFull, left + 1), true);
  EXPECT_EQ(lasts(t, Drop::kDirectoryFull, 0), true) << "a chain, which only grows";
}

TEST(DropReport, NobodyCanTellWhetherAProgramWouldObserveNanAgain) {
  test::TempSegment t;
  t.counter("tasks").inc();
  EXPECT_EQ(lasts(t, Drop::kObservationNan, 0), std::nullopt);
}

}  // namespace
}  // namespace metrics::reader
