// A segment read through a mapping says what a copied one says, and a file that shrinks ends the
// read alone.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libmetrics/reader/mapping.h"
#include "libmetrics/reader/merge.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::reader {
namespace {

using test::TempSegment;

constexpr Geometry kSparse = {64, 64, 64 * 1024, 1 << 20};

std::uint64_t blocks(const std::string& file) {
  struct stat info {};
  EXPECT_EQ(::stat(file.c_str(), &info), 0);
  return static_cast<std::uint64_t>(info.st_blocks);
}

// Series enough that a slot has many pages, of which each worker has bound and written a few;
// threads as well.
class Sparse {
 public:
  Sparse() {
    const std::vector<double> bounds = {.1, .5, 1, 5, 10};
    for (int worker = 0; worker < 7; ++worker) {
      // One more in each, of more series, so that the pages that a slot has begin or end in
      // different places.
      test::ended(test::forked([&] {
        metrics::Family<Histogram> family("h_seconds", "", {"n"},
                                          {.bounds = Bounds(bounds), .segment = t_.segment()});
        metrics::Family<Counter> counter("c", "", {"n"}, t_.options());
        for (int i = 0; i < 600 * (worker + 1); ++i) {
          const std::string n = std::to_string(i);
          const bool mine = i % 7 == worker || i / 600 == worker;
          if (mine) family.labels(n).observe(i * .01 + worker * .001);
          if (mine) counter.labels(n).inc(worker + 1);
        }
        t_.gauge("g_sum", Mode::kSum).set(worker + .5);
        t_.gauge("g_live", Mode::kLiveSum).set(worker);
      }));
      t_.counter("parent").inc();
    }
    t_.gauge("g_all", Mode::kAll).set(3);
    t_.gauge("g_live", Mode::kLiveSum).set(40);
  }
  const TempSegment& segment() const { return t_; }

 private:
  TempSegment t_{kSparse};
};

TEST(Mapped, SaysWhatACopySays) {
  const Sparse sparse;
  SegmentMerge copied(sparse.segment().file());
  SegmentMerge mapped(sparse.segment().file(), Access::kMapped);
  for (int again = 0; again < 2; ++again) {
    ASSERT_TRUE(copied.read()) << copied.why();
    ASSERT_TRUE(mapped.read()) << mapped.why();
    ASSERT_TRUE(mapped.reader().is_mapped());
    EXPECT_EQ(mapped.families().families, copied.families().families);
    EXPECT_EQ(mapped.families().values, copied.families().values);
    sparse.segment().counter("later_" + std::to_string(again)).inc();
  }
}

TEST(Mapped, SeesPagesThatComeLater) {
  const TempSegment t(kSparse);
  metrics::Family<Counter> family("c", "", {"n"}, t.options());
  family.labels("0").inc();
  SegmentMerge mapped(t.file(), Access::kMapped);
  ASSERT_TRUE(mapped.read()) << mapped.why();
  for (int i = 0; i < 3000; ++i) family.labels(std::to_string(i)).inc(2);
  ASSERT_TRUE(mapped.read()) << mapped.why();
  std::uint64_t sum = 0;
  for (const Series& s : mapped.families().families.front().series) {
    sum += mapped.families().counter(s).whole;
  }
  EXPECT_EQ(sum, 1u + 2 * 3000);
}

// As a kernel without MADV_POPULATE_WRITE leaves it: reserved, and a hole until something is
// written there.
TEST(Mapped, SeesACounterWhoseFractionLiesInAHole) {
  const TempSegment t(kSparse);
  t.gauge("three_cells", Mode::kSum).set(1);
  metrics::Family<Counter> family("c", "", {"n"}, t.options());
  for (int i = 0; i < 300; ++i) family.labels(std::to_string(i)).inc();
  SegmentMerge copied(t.file());
  ASSERT_TRUE(copied.read()) << copied.why();
  const auto slot = static_cast<off_t>(copied.reader().geometry().slot_offset(1));
  const int fd = ::open(t.file().c_str(), O_RDWR | O_CLOEXEC);
  const auto punch = [&](off_t page) {
    const auto bytes = static_cast<off_t>(format::kPage);
    return ::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, slot + page * bytes, bytes);
  };
  for (const off_t page : {1, 0}) {
    ASSERT_EQ(punch(page), 0);
    if (page == 0) family.labels("299").inc();  // the second page has data, the first has none
    SegmentMerge mapped(t.file(), Access::kMapped);
    const std::uint64_t before = blocks(t.file());
    ASSERT_TRUE(copied.read()) << copied.why();
    ASSERT_TRUE(mapped.read()) << mapped.why();
    EXPECT_EQ(mapped.families().values, copied.families().values);
    EXPECT_EQ(blocks(t.file()), before) << "a hole was read, and filled";
  }
  ::close(fd);
}

TEST(Mapped, TakesNoMemory) {
  const Sparse sparse;
  const std::uint64_t before = blocks(sparse.segment().file());
  SegmentMerge mapped(sparse.segment().file(), Access::kMapped);
  ASSERT_TRUE(mapped.read()) << mapped.why();
  EXPECT_EQ(blocks(sparse.segment().file()), before);
}

class File {
 public:
  File() : fd_(::open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) { resize(2 * kPage); }
  ~File() { ::close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  static constexpr std::uint64_t kPage = 4096;
  void resize(std::uint64_t bytes) { ASSERT_EQ(::ftruncate(fd_, static_cast<off_t>(bytes)), 0); }
  int fd() const { return fd_; }

 private:
  int fd_;
};

TEST(Mapped, AFileThatShrinksEndsTheRead) {
  File file;
  const Mapping mapping(file.fd(), 2 * File::kPage);
  ASSERT_TRUE(mapping);
  const auto read = [&](std::uint64_t at) {
    return read_guarded(
        [&] { (void)*reinterpret_cast<const volatile char*>(mapping.data() + at); });
  };
  EXPECT_TRUE(read(0));
  EXPECT_TRUE(read(File::kPage));
  file.resize(File::kPage);
  EXPECT_TRUE(read(0));
  EXPECT_FALSE(read(File::kPage));
  EXPECT_FALSE(read(File::kPage)) << "the signal must not stay blocked";
  file.resize(2 * File::kPage);
  EXPECT_TRUE(read(File::kPage));
}

TEST(MappedDeathTest, ASigbusOutsideOfAReadIsNotOurs) {
  File file;
  const Mapping mapping(file.fd(), 2 * File::kPage);
  ASSERT_TRUE(mapping);
  file.resize(0);
  EXPECT_EXIT((void)*reinterpret_cast<const volatile char*>(mapping.data()),
              ::testing::KilledBySignal(SIGBUS), "");
}

}  // namespace
}  // namespace metrics::reader
