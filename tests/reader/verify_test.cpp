// What checking a segment costs: what its file takes, whatever its header claims.
#include "libmetrics/reader/verify.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "libmetrics/format/file.h"
#include "tests/support/bytes_read.h"
#include "tests/support/patch.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

using Faults = std::vector<std::string>;

Faults faults_of(const std::string& file) {
  reader::Reader reader(file);
  return reader::verify(reader);
}

// Returns the most memory that this process has ever had.
std::uint64_t most_memory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

TEST(Verify, ReadsWhatWasWrittenAndNotTheSlotsThatAHeaderClaims) {
  if (bytes_read() == 0) GTEST_SKIP() << "the kernel does not count what is read";
  constexpr std::uint32_t kSlots = 200'000;
  constexpr std::uint64_t kMost = 64 << 20;  // the slots have 3 GB of holes
  TempSegment t({kSlots, 1, 4096, 1 << 20});
  const Family<Counter> tasks("tasks", "", {"number"}, t.options());
  for (unsigned i = 0; i < 1000; ++i) tasks.labels(std::to_string(i)).inc();
  Patch patch(t.file());
  patch.header().first_slots_used = kSlots;
  const std::uint64_t before = bytes_read();
  EXPECT_EQ(faults_of(t.file()), Faults{});
  EXPECT_LT(bytes_read() - before, kMost);

  const format::SeriesRecord& last = patch.series("tasks", "999");
  patch.cells(kSlots - 1, last)[format::kCounterFraction] =
      std::bit_cast<std::uint64_t>(std::numeric_limits<double>::quiet_NaN());
  patch.head(kSlots).generation = format::kMaxGeneration + 1ull;
  const Faults faults = faults_of(t.file());
  ASSERT_EQ(faults.size(), 2u);
  EXPECT_EQ(faults[0], "head of slot 200000 has generation 1073741824, out of range");
  EXPECT_TRUE(faults[1].ends_with("of \"tasks\" in slot 199999 counts a negative fraction, or NaN"))
      << faults[1];
}

TEST(Verify, TakesNoMemoryForTheHeadsThatAHeaderClaims) {
  constexpr std::uint64_t kMost = 64 << 20;  // the heads would take half a gigabyte
  TempSegment t;
  EXPECT_EQ(ended(forked([&] {
              format::Header& h = Patch(t.file()).header();
              h.head_bytes = format::kPage;
              h.first_slots = 1 << 17;
              const std::uint64_t slots = std::uint64_t{1} + h.first_slots + h.lanes;
              h.index = h.heads + slots * h.head_bytes;
              h.directory = h.index + format::kPage;
              h.directory_used = 0;
              h.slots = h.directory + h.directory_bytes;
              h.file_bytes = h.slots + slots * h.slot_bytes;
              ASSERT_EQ(::truncate(t.file().c_str(), static_cast<off_t>(h.file_bytes)), 0);
              const std::uint64_t before = most_memory();
              EXPECT_EQ(faults_of(t.file()), Faults{});
              EXPECT_LT(most_memory() - before, kMost);
              const format::Descriptor fd(::open(t.file().c_str(), O_WRONLY | O_CLOEXEC));
              const std::uint64_t owner = 1;
              const std::uint64_t at = h.heads + (slots - 1) * h.head_bytes;
              ASSERT_EQ(::pwrite(fd.get(), &owner, sizeof owner,
                                 static_cast<off_t>(at + offsetof(format::Head, owner))),
                        static_cast<ssize_t>(sizeof owner));
              EXPECT_EQ(faults_of(t.file()),
                        Faults{"head of slot 131136 names an owner that can't be: slot 0, "
                               "generation 1"});
            })),
            0);
}

TEST(Verify, ListsTheFirstTenThousandFaultsOfAFileThatIsFullOfThem) {
  TempSegment t({64, 64, 1 << 16, 2 << 20});
  const Family<Counter> tasks("tasks", "", {"number"}, t.options());
  for (unsigned i = 0; i < 12'000; ++i) tasks.labels(std::to_string(i)).inc(-0.0);
  Patch patch(t.file());
  format::Cell* cells = patch.cells(1, patch.series("tasks", "0"));
  patch.header().first_slots_used = 1;
  for (unsigned i = 0; i < 12'000; ++i) {
    cells[2 * i + format::kCounterFraction] = std::bit_cast<std::uint64_t>(-1.0);
  }
  const Faults faults = faults_of(t.file());
  ASSERT_EQ(faults.size(), 10'001u);
  EXPECT_EQ(faults.back(), "there are more faults than the 10000 above");
}

TEST(Verify, TakesHardlyMoreMemoryThanACopyOfTheDirectory) {
  constexpr std::uint64_t kMost = 8 << 20;  // beside the copy, which is larger
  TempSegment t({16, 16, 1 << 18, 32 << 20});
  const Family<Counter> tasks("tasks", "", {"number"}, t.options());
  for (unsigned i = 0; i < 100'000; ++i) tasks.labels(std::to_string(i)).inc(0.5);
  EXPECT_EQ(ended(forked([&] {
              reader::Reader reader(t.file());
              ASSERT_TRUE(reader.look_at_header()) << reader.why();
              ASSERT_GT(reader.copy_bytes(), kMost);
              const std::uint64_t before = most_memory();
              EXPECT_EQ(reader::verify(reader), Faults{});
              EXPECT_LT(most_memory() - before, reader.copy_bytes() + kMost);
            })),
            0);
}

// A reader has other means: it keeps a description of each series.
TEST(Verify, FindsAllThatAReaderLeavesOut) {
  constexpr unsigned kRounds = 300;
  TempSegment t;
  const Family<Counter> tasks("tasks", "Done.", {"number", "kind"}, t.options());
  const Family<Histogram> times("times", "", {"number"},
                                {.bounds = {1, 2, 3}, .segment = t.segment()});
  const Family<Gauge> sizes("sizes", "", {"number"}, t.options());
  for (unsigned i = 0; i < 20; ++i) {
    const std::string number = std::to_string(i);
    tasks.labels(number, "short").inc();
    times.labels(number).observe(2);
    sizes.labels(number).set(i);
    if (i % 5 == 0) tasks.remove(number, "short");
  }
  reader::Reader reader(t.file());
  ASSERT_TRUE(reader.look()) << reader.why();
  const std::uint64_t begin = reader.geometry().index;
  const auto sound = std::as_bytes(std::span(reader.catalogue()->records));
  const format::Descriptor fd(::open(t.file().c_str(), O_WRONLY | O_CLOEXEC));
  const auto write = [&](std::uint64_t offset, const void* bytes, std::size_t size) {
    ASSERT_EQ(::pwrite(fd.get(), bytes, size, static_cast<off_t>(offset)),
              static_cast<ssize_t>(size));
  };
  const std::vector<std::byte> before(sound.begin(), sound.end());
  const auto is_of_too_many_bytes = [](const std::string& fault) {
    return fault.ends_with(" has more bytes of records than there are") ||
           fault.ends_with(" has more bytes than there are, with those before it");
  };
  std::mt19937 random(7);
  const std::uint64_t records = reader.geometry().directory - begin;
  unsigned found = 0;
  for (unsigned round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(round);
    for (unsigned i = random() % 4; i < 4; ++i) {
      // Most of the index is empty.
      const std::uint64_t first = random() % 8 == 0 ? 0 : records;
      const auto damage = static_cast<std::uint8_t>(random());
      write(begin + first + random() % (before.size() - first), &damage, 1);
    }
    reader::Reader fresh(t.file());
    ASSERT_TRUE(fresh.look()) << fresh.why();
    const Faults& known = fresh.catalogue()->faults;
    const Faults verified = faults_of(t.file());
    if (std::none_of(known.begin(), known.end(), is_of_too_many_bytes) &&
        std::none_of(verified.begin(), verified.end(), is_of_too_many_bytes)) {
      found += !known.empty();
      for (const std::string& fault : known) {
        EXPECT_NE(std::find(verified.begin(), verified.end(), fault), verified.end()) << fault;
      }
    }
    write(begin, before.data(), before.size());
  }
  EXPECT_GT(found, kRounds / 4);
  EXPECT_EQ(faults_of(t.file()), Faults{});
}

}  // namespace
}  // namespace metrics::test
