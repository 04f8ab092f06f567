// What forged bytes may cost a reader: a word each, and with it the file, or the series that they
// stand in.
#include "libmetrics/reader/reader.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/patch.h"
#include "tests/support/temp_segment.h"

namespace metrics::test {
namespace {

constexpr std::uint64_t kTera = std::uint64_t{1} << 40;

// Makes room in the file, which stays as sparse as it was, for what the header claims by now.
void fit(const TempSegment& t, format::Header& h) {
  h.file_bytes = h.slots + (std::uint64_t{1} + h.first_slots + h.lanes) * h.slot_bytes;
  ASSERT_EQ(::truncate(t.file().c_str(), static_cast<off_t>(h.file_bytes)), 0);
}

void expect_refused(const TempSegment& t, const std::string& why) {
  reader::Reader reader(t.file());
  EXPECT_FALSE(reader.look());
  EXPECT_EQ(reader.why().substr(0, (t.file() + why).size()), t.file() + why);
}

std::vector<std::string> faults(const TempSegment& t) {
  reader::Reader reader(t.file());
  EXPECT_TRUE(reader.look()) << reader.why();
  return reader.catalogue()->faults;
}

TEST(Reader, RefusesADirectoryOfMoreBytesThanTheFileTakes) {
  TempSegment t;
  t.counter("tasks").inc();
  Patch patch(t.file());
  format::Header& h = patch.header();
  h.directory_bytes = kTera;
  h.slots = h.directory + h.directory_bytes;
  h.directory_used.store(kTera, std::memory_order_relaxed);
  fit(t, h);
  expect_refused(t, " has a directory of ");
}

TEST(Reader, RefusesSlotsOfFarMoreBytesThanTheFileTakes) {
  TempSegment t;
  t.counter("tasks").inc();
  Patch patch(t.file());
  format::Header& h = patch.header();
  constexpr std::uint64_t kSlot = std::uint64_t{1} << 35;
  h.cells_per_slot = kSlot / sizeof(format::Cell);
  h.slot_bytes = kSlot;
  h.cells_used.store(h.cells_per_slot, std::memory_order_relaxed);
  format::SeriesRecord& series = patch.series("tasks");
  series.first_cell = h.cells_per_slot - series.cell_count;
  fit(t, h);
  expect_refused(t, " has 2 slots with 34359738368 bytes in use each");
}

TEST(Reader, LeavesOutSeriesThatShareTheirCells) {
  TempSegment t;
  t.counter("tasks").inc();
  t.counter("others").inc();
  Patch patch(t.file());
  patch.series("others").first_cell = patch.series("tasks").first_cell + 1;
  const auto found = faults(t);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NE(found[0].find(" shares cells with the record at "), std::string::npos) << found[0];
}

// Records that overlap would be many long ones in little space.
TEST(Reader, ReadsNoMoreBytesOfRecordsThanThereAre) {
  TempSegment t;
  for (int i = 0; i < 100; ++i) t.counter("tasks" + std::to_string(i)).inc();
  Patch patch(t.file());
  const std::uint64_t half = patch.header().directory_used.load(std::memory_order_relaxed) / 16 * 8;
  for (int i = 0; i < 100; ++i) {
    patch.family("tasks" + std::to_string(i)).record.bytes = static_cast<std::uint32_t>(half);
  }
  bool told = false;
  for (const std::string& fault : faults(t)) {
    told = told || fault.ends_with(" has more bytes of records than there are");
  }
  EXPECT_TRUE(told);
}

}  // namespace
}  // namespace metrics::test
