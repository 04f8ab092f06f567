// What files of strangers may cost: work and memory in proportion to what they hold, and no
// descriptor.
#include "libmetrics/reader/limits.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "libmetrics/format/gauge_value.h"
#include "libmetrics/reader/merge.h"
#include "libmetrics/reader/verify.h"
#include "tests/support/forged_segment.h"
#include "tests/support/patch.h"
#include "tests/support/temp_segment.h"

namespace {
std::uint64_t seeks = 0;
}
// Counts the questions about holes, and passes them on to the kernel.
extern "C" off_t lseek(int fd, off_t offset, int whence) noexcept {
  ++seeks;
  return ::syscall(SYS_lseek, fd, offset, whence);
}

namespace metrics::reader {
namespace {

using test::ForgedSegment;
using test::Patch;
using test::TempPath;
using test::TempSegment;

std::ptrdiff_t open_files() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return std::distance(begin(files), end(files));
}

std::uint64_t blocks(const std::string& file) {
  struct stat info {};
  EXPECT_EQ(::stat(file.c_str(), &info), 0);
  return static_cast<std::uint64_t>(info.st_blocks);
}

metrics_geometry claims(std::uint32_t processes, std::uint64_t cells, std::uint64_t bytes) {
  return {sizeof(metrics_geometry), processes, 1, cells, bytes};
}

TEST(Limits, AFileThatIsNoSegmentIsNotKeptOpen) {
  TempPath t;
  std::ofstream(t.file()) << "";
  Reader empty(t.file());
  const auto before = open_files();
  EXPECT_FALSE(empty.look());
  EXPECT_EQ(open_files(), before);

  TempSegment sound;
  sound.counter("tasks").inc();
  Reader reader(sound.file());
  ASSERT_TRUE(reader.look()) << reader.why();
  Patch(sound.file()).header().magic = 0;
  EXPECT_FALSE(reader.look());
  EXPECT_EQ(open_files(), before);
}

TEST(Limits, SlotsWithoutDataCostNoSystemCall) {
  TempPath t;
  constexpr std::uint32_t kSlots = 20'000;
  ForgedSegment forged(claims(kSlots, 1024, 4096));
  const auto gauges = forged.family({format::Type::kGauge, "load", "", "", {}, {}});
  forged.series(gauges, {}, 0, format::kGaugeCells);
  forged.write(t.file());
  forged.write_owners(t.file(), 2);
  for (const format::SlotIndex slot : {1u, kSlots / 2}) {
    forged.write_cells(t.file(), slot, 0, std::vector<std::uint64_t>{1, 0, 0});
  }
  for (const Access access : {Access::kCopied, Access::kMapped}) {
    SegmentMerge merge(t.file(), access);
    seeks = 0;
    ASSERT_TRUE(merge.read()) << merge.why();
    EXPECT_LT(seeks, 40u);
    seeks = 0;
    EXPECT_EQ(verify(merge.reader()), std::vector<std::string>());
    EXPECT_LT(seeks, 40u);
  }
}

// Cells that are far away are a hole.
TEST(Limits, CellsFarAwayCostNothing) {
  TempSegment t;
  t.counter("tasks").inc();
  t.counter("others").inc(2);
  Patch patch(t.file());
  format::Header& h = patch.header();
  constexpr std::uint64_t kSlot = std::uint64_t{1} << 35;
  h.cells_per_slot = kSlot / sizeof(format::Cell);
  h.slot_bytes = kSlot;
  h.cells_used.store(h.cells_per_slot, std::memory_order_relaxed);
  format::SeriesRecord& series = patch.series("tasks");
  series.first_cell = h.cells_per_slot - series.cell_count;
  h.file_bytes = h.slots + (std::uint64_t{1} + h.first_slots + h.lanes) * h.slot_bytes;
  ASSERT_EQ(::truncate(t.file().c_str(), static_cast<off_t>(h.file_bytes)), 0);
  for (const Access access : {Access::kCopied, Access::kMapped}) {
    SegmentMerge merge(t.file(), access);
    EXPECT_TRUE(merge.read()) << merge.why();
    EXPECT_EQ(merge.families().families.size(), 2u);
  }
}

// Touching a hole of a mapping would take memory from the file system, and make the file larger.
TEST(Limits, AHoleInTheDirectoryIsNotFilledByReaders) {
  TempPath t;
  ForgedSegment forged(claims(1, 1024, 2 << 20));
  const auto gauges = forged.family({format::Type::kGauge, "load", "", "", {}, {}});
  forged.series(gauges, {}, 0, format::kGaugeCells);
  forged.write(t.file());
  const std::uint64_t before = blocks(t.file());
  SegmentMerge merge(t.file(), Access::kMapped);
  for (int again = 0; again < 3; ++again) {
    ASSERT_TRUE(merge.read()) << merge.why();
    EXPECT_EQ(blocks(t.file()), before);
  }
}

TEST(Limits, GaugesOfManyProcessesAreRefusedBeforeTheyTakeMemory) {
  TempPath t;
  constexpr std::uint32_t kSlots = 1'024;
  constexpr std::size_t kGauges = 16;
  ForgedSegment forged(claims(kSlots, 512, 256 << 10));
  const auto gauges = forged.family({format::Type::kGauge, "load", "", "", {"n"}, {}});
  std::vector<std::uint64_t> cells;
  for (std::size_t i = 0; i < kGauges; ++i) {
    const std::string label = std::to_string(i) + std::string(16'000, 'x');
    forged.series(gauges, {label}, cells.size(), format::kGaugeCells);
    cells.insert(cells.end(), {1, format::encode_gauge(1), 0});
  }
  forged.write(t.file());
  forged.write_owners(t.file(), kSlots);
  for (format::SlotIndex slot = 1; slot <= kSlots; ++slot) {
    forged.write_cells(t.file(), slot, 0, cells);
  }
  SegmentMerge merge(t.file());
  EXPECT_FALSE(merge.read());
  EXPECT_NE(merge.why().find(" describes so many samples, or has labels so long, that showing it "),
            std::string::npos)
      << merge.why();
}

TEST(Limits, SpaceOnDiskPaysFirst) {
  constexpr std::uint64_t kMega = 1 << 20;
  Allowance allowance;
  EXPECT_EQ(allowance.take({300 * kMega, 2400 * kMega}, 300 * kMega), "");
  // Nothing of what is shared was taken for that one.
  EXPECT_EQ(allowance.take({4 * kMega, 256 * kMega}, 0), "");
  EXPECT_EQ(allowance.take({1, 0}, 0),
            "has a directory and slots of 1 bytes, but takes only 0 on disk");
  EXPECT_EQ(allowance.take({0, 9}, 1),
            "describes so many samples, or has labels so long, that showing it would take 9 bytes "
            "of memory, but takes only 1 on disk");
  EXPECT_EQ(allowance.take({300 * kMega, 2400 * kMega}, 300 * kMega), "");
}

}  // namespace
}  // namespace metrics::reader
