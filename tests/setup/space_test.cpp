// A file system that is full, and limits of the process: no SIGBUS, no SIGXFSZ, and only what needs
// the room is refused.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>

#include "libmetrics/format/file.h"
#include "libmetrics/update/segment.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

using format::Drop;

constexpr int kNotPermitted = 77;
constexpr std::size_t kPageBytes = 4096;

// Runs the body with a tmpfs of that size over the directory, which nobody else sees.
int with_tmpfs(const std::string& directory, std::size_t bytes, const std::function<void()>& body) {
  return ended(forked([&] {
    const std::string size = "size=" + std::to_string(bytes);
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", directory.c_str(), "tmpfs", 0, size.c_str()) != 0) {
      ::_exit(kNotPermitted);
    }
    body();
  }));
}

// Fills what is left of the file system.
class Filled {
 public:
  explicit Filled(const std::string& directory) : path_(directory + "/filler") {
    const format::Descriptor fd(::open(path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    off_t at = 0;
    while (::fallocate(fd.get(), 0, at, kPageBytes) == 0) at += kPageBytes;
    EXPECT_EQ(errno, ENOSPC);
  }
  void empty() { ::unlink(path_.c_str()); }
  ~Filled() { empty(); }

 private:
  std::string path_;
};

#define RUN_WITH_TMPFS(directory, bytes, body)                                 \
  const int code = with_tmpfs(directory, bytes, body);                         \
  if (code == kNotPermitted) GTEST_SKIP() << "no permission to mount a tmpfs"; \
  EXPECT_EQ(code, 0)

TEST(Space, ASegmentThatDoesNotFitIsNotMade) {
  TempPath t;
  RUN_WITH_TMPFS(t.directory(), 32 * 1024, [&] {
    const Segment segment(t.path(), kSmall);
    EXPECT_EQ(segment.status(), METRICS_NO_SPACE);
    Family<Counter> tasks("tasks", "", {}, {.segment = segment});
    tasks.labels().inc();
    EXPECT_THROW(Family<Counter>("", "", {}, {.segment = segment}), std::invalid_argument);
    EXPECT_EQ(::access(t.file().c_str(), F_OK), -1);
  });
}

TEST(Space, ASeriesWithoutRoomIsRefusedUntilThereIsSome) {
  TempPath t;
  RUN_WITH_TMPFS(t.directory(), 1 << 20, [&] {
    const Segment segment(t.path(), kSmall);
    ASSERT_EQ(segment.status(), METRICS_OK);
    metrics_family* family = nullptr;
    ASSERT_EQ(metrics_family_of(segment.get(), METRICS_COUNTER, "tasks", "", nullptr, 0, nullptr,
                                &family),
              METRICS_OK);
    metrics_counter* tasks = nullptr;
    {
      const Filled filled(t.directory());
      EXPECT_EQ(metrics_counter_labels(family, nullptr, 0, &tasks), METRICS_NO_SPACE);
      ASSERT_NE(tasks, nullptr);
      metrics_counter_inc(tasks, 1);
      EXPECT_EQ(t.scrape().dropped(Drop::kSeriesNoSpace), 1u);
      EXPECT_EQ(t.scraped("tasks"), 0u);
    }
    EXPECT_EQ(metrics_counter_labels(family, nullptr, 0, &tasks), METRICS_OK);
    metrics_counter_inc(tasks, 2);
    EXPECT_EQ(t.scraped("tasks"), 2u);
    EXPECT_EQ(segment.status(), METRICS_OK);
  });
}

TEST(Space, AProcessWithoutRoomForASlotCountsInTheSharedOne) {
  TempPath t;
  RUN_WITH_TMPFS(t.directory(), 1 << 20, [&] {
    const Segment segment(t.path(), kSmall);
    Counter tasks = Family<Counter>("tasks", "", {}, {.segment = segment}).labels();
    Gauge load = Family<Gauge>("load", "", {}, {.mode = Mode::kSum, .segment = segment}).labels();
    Filled filled(t.directory());
    const pid_t child = forked([&] {
      tasks.inc(5);
      load.set(1);
      EXPECT_EQ(segment.status(), METRICS_NO_SPACE);
    });
    EXPECT_EQ(ended(child), 0);
    const Scrape scrape = t.scrape();
    EXPECT_EQ(scrape.in_slot(0, "tasks"), 5u);
    EXPECT_EQ(scrape.first_slots(), 0u);
    EXPECT_EQ(scrape.dropped(Drop::kClaimNoSpace), 1u);
    EXPECT_EQ(scrape.dropped(Drop::kGaugeWithoutSlot), 1u);
    EXPECT_EQ(owner_of(t.file(), 1).state, format::Ownership::State::kFree);
    filled.empty();
    tasks.inc(2);
    EXPECT_EQ(segment.status(), METRICS_OK);
    EXPECT_EQ(t.scrape().in_slot(1, "tasks"), 2u);
  });
}

TEST(Space, AThreadWithoutRoomForALaneCountsInTheSharedSlot) {
  TempPath t;
  RUN_WITH_TMPFS(t.directory(), 1 << 20, [&] {
    const Segment segment(t.path(), kSmall);
    Counter tasks = Family<Counter>("tasks", "", {}, {.segment = segment}).labels();
    tasks.inc();
    const Filled filled(t.directory());
    std::thread([tasks]() mutable { tasks.inc(5); }).join();
    EXPECT_EQ(segment.status(), METRICS_NO_SPACE);
    const Scrape scrape = t.scrape();
    EXPECT_EQ(scrape.in_slot(0, "tasks"), 5u);
    EXPECT_EQ(scrape.in_slot(1, "tasks"), 1u);
    EXPECT_EQ(scrape.lanes(), 1u);
    EXPECT_EQ(scrape.heads().back().owner, format::Owner());
    EXPECT_EQ(scrape.dropped(Drop::kClaimNoSpace), 1u);
  });
}

// Children inherit handles on many pages; a slot that can't have all of them reserved is not taken.
TEST(Space, EveryPageOfEverySeriesIsReservedBeforeASlotIsUsed) {
  TempPath t;
  RUN_WITH_TMPFS(t.directory(), 1 << 20, [&] {
    const Segment segment(t.path(), kSmall);
    const Family<Histogram> times("times", "", {"name"}, {.segment = segment});
    std::vector<Histogram> all;  // 13 cells each: 4,096 cells are eight pages
    for (unsigned i = 0; i < 250; ++i) all.push_back(times.labels(std::to_string(i)));
    const pid_t child = forked([&] {
      Filled filled(t.directory());
      filled.empty();
      // Room for half of a slot.
      const format::Descriptor fd(
          ::open((t.directory() + "/most").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
      off_t at = 0;
      while (::fallocate(fd.get(), 0, at, kPageBytes) == 0) at += kPageBytes;
      ASSERT_EQ(::ftruncate(fd.get(), at - 4 * static_cast<off_t>(kPageBytes)), 0);
      for (Histogram& h : all) h.observe(1);
      EXPECT_EQ(segment.status(), METRICS_NO_SPACE);
    });
    EXPECT_EQ(ended(child), 0);
    const Scrape scrape = t.scrape();
    for (unsigned i = 0; i < 250; ++i) EXPECT_EQ(scrape.count("times", {std::to_string(i)}), 1u);
    EXPECT_EQ(scrape.first_slots(), 0u);
  });
}

// Of a mapping that may be written, mlockall() makes the holes real too: 8 MiB for each slot of a
// segment of the default size.
TEST(Space, AWorkerThatLocksItsMemoryIsChargedForWhatIsBoundAlone) {
  TempPath t;
  const Segment segment(t.path(), {4, 4, 1 << 20, 256 * 1024});
  const auto taken = [&] {
    struct stat info {};
    EXPECT_EQ(::stat(t.file().c_str(), &info), 0);
    return format::space_taken(info);
  };
  if (::mlockall(MCL_CURRENT) != 0) GTEST_SKIP() << "memory can't be locked";
  ::munlockall();
  const pid_t child = forked([&] {
    ASSERT_EQ(::mlockall(MCL_CURRENT | MCL_FUTURE), 0);
    const Family<Counter> tasks("tasks", "", {"name"}, {.segment = segment});
    tasks.labels("first").inc();
    std::thread([&] { tasks.labels("second").inc(); }).join();
    for (unsigned i = 0; i < 1000; ++i) tasks.labels(std::to_string(i)).inc();
  });
  EXPECT_EQ(ended(child), 0);
  EXPECT_EQ(t.scrape().count("tasks", {"999"}), 1u);
  EXPECT_LT(taken(), 1u << 20);
}

void limit_files_to(std::uint64_t bytes) {
  const rlimit limit{bytes, bytes};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
}

TEST(Space, ALimitOnFileSizesRefusesASegment) {
  const TempSegment alike;
  reader::Reader reader(alike.file());
  ASSERT_TRUE(reader.look());
  const std::uint64_t bytes = reader.geometry().file_bytes;
  TempPath t;
  EXPECT_EQ(ended(forked([&] {
              limit_files_to(bytes - 1);
              const Segment segment(t.path(), kSmall);
              EXPECT_EQ(segment.status(), METRICS_NO_SPACE);
              EXPECT_EQ(segment.why(), "can't create " + t.file() + " with " +
                                           std::to_string(bytes) +
                                           " bytes: RLIMIT_FSIZE is lower; raise it, "
                                           "or lower METRICS_CELLS");
            })),
            0);
}

TEST(Space, ALimitOnFileSizesRefusesSlotsAndSeries) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  reader::Reader reader(t.file());
  ASSERT_TRUE(reader.look());
  EXPECT_EQ(
      ended(forked([&] {
        limit_files_to(reader.geometry().slot_offset(1));
        tasks.inc(5);
        EXPECT_EQ(t.segment().status(), METRICS_NO_SPACE);
        std::vector<double> bounds;
        for (unsigned i = 0; i < 1000; ++i) bounds.push_back(i);
        t.histogram("large", Bounds(bounds)).observe(1);  // pages of slot 0 are within the limit
      })),
      0);
  EXPECT_EQ(ended(forked([&] {
              limit_files_to(kPageBytes);
              t.counter("new").inc();  // on a page that nobody has reserved yet
            })),
            0);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.in_slot(0, "tasks"), 5u);
  EXPECT_EQ(scrape.count("large"), 1u);
  EXPECT_EQ(scrape.count("new"), 0u);
  EXPECT_EQ(scrape.dropped(Drop::kClaimNoSpace), 1u);
  EXPECT_EQ(scrape.dropped(Drop::kSeriesNoSpace), 1u);
}

TEST(Space, AProcessWithoutDescriptorsSaysSo) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  EXPECT_EQ(ended(forked([&] {
              const rlimit none{0, 0};
              ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
              tasks.inc(5);
              EXPECT_EQ(t.segment().status(), METRICS_NO_SPACE);
            })),
            0);
  EXPECT_EQ(t.scrape().in_slot(0, "tasks"), 5u);
  EXPECT_EQ(t.scrape().dropped(Drop::kClaimUnreachable), 1u);
}

}  // namespace
}  // namespace metrics::test
