// Which file a segment is: paths, the environment, and files that are deleted or replaced.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "libmetrics/format/name.h"
#include "libmetrics/update/segment.h"
#include "tests/support/options.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

// Whatever happens in the body, the next test has this process's directory and environment.
void in_child(const std::function<void()>& body) { EXPECT_EQ(ended(forked(body)), 0); }

TEST(Path, EndsInTheFormatsVersion) {
  TempPath t;
  in_child([&] {
    EXPECT_EQ(Segment(t.path(), kSmall).path(), t.file());
    EXPECT_EQ(Segment(t.file(), kSmall).path(), t.file());
    EXPECT_EQ(Segment(t.path() + ".v1", kSmall).path(), t.path() + ".v1.v2");
  });
}

TEST(Path, ThatIsRelativeStaysWhereItWasGiven) {
  TempPath t;
  in_child([&] {
    ASSERT_EQ(::chdir(t.directory().c_str()), 0);
    const Segment segment("segment", kSmall);
    EXPECT_EQ(segment.path(), t.file());
    Counter tasks = Family<Counter>("tasks", "", {}, {.segment = segment}).labels();
    ASSERT_EQ(::chdir("/"), 0);
    tasks.inc();
    EXPECT_EQ(segment.status(), METRICS_OK);
  });
  EXPECT_EQ(t.scrape().in_slot(1, "tasks"), 1u);
}

TEST(Path, OfADirectoryIsRefused) {
  TempPath t;
  in_child([&] {
    metrics_segment* segment = nullptr;
    EXPECT_EQ(metrics_open((t.directory() + "/").c_str(), nullptr, &segment), METRICS_INVALID);
    EXPECT_EQ(std::string(metrics_last_error()),
              "segment path " + t.directory() + "/ is a directory; add a file's name");
    EXPECT_THROW(Segment(t.directory() + "/"), std::invalid_argument);
  });
}

// The aggregator would look for segments in it, not for one beside it.
TEST(Path, OfADirectoryIsRefusedWithoutASlash) {
  TempPath t;
  const std::string path = t.directory() + "/app";
  ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
  in_child([&] {
    metrics_segment* segment = nullptr;
    EXPECT_EQ(metrics_open(path.c_str(), nullptr, &segment), METRICS_INVALID);
    EXPECT_EQ(std::string(metrics_last_error()),
              "segment path " + path + " is a directory; add a file's name");
    EXPECT_EQ(::access((path + ".v2").c_str(), F_OK), -1);
  });
}

TEST(Path, ComesFromTheEnvironment) {
  TempPath t;
  in_child([&] {
    ::setenv("METRICS_SEGMENT", t.path().c_str(), 1);
    EXPECT_EQ(Segment().path(), t.file());
    Family<Counter>("tasks", "").labels().inc();
  });
  EXPECT_EQ(t.scraped("tasks"), 1u);
}

TEST(Path, DefaultsToOneForEachUser) {
  TempDirectory clears_environment;
  EXPECT_EQ(format::segment_file(""), "/dev/shm/metrics-" + std::to_string(::geteuid()) + ".v2");
}

TEST(Geometry, ComesFromTheEnvironmentWhereItIsNotGiven) {
  TempPath t;
  in_child([&] {
    ::setenv("METRICS_PROCESSES", "3", 1);
    ::setenv("METRICS_THREADS", "5", 1);
    ::setenv("METRICS_CELLS", "700", 1);
    ::setenv("METRICS_DIRECTORY_BYTES", "12288", 1);
    const Segment segment(t.path(), {4, 0, 0, 0});
    EXPECT_EQ(segment.status(), METRICS_OK);
  });
  reader::Reader reader(t.file());
  ASSERT_TRUE(reader.look());
  EXPECT_EQ(reader.geometry().first_slots, 4u);
  EXPECT_EQ(reader.geometry().lanes, 5u);
  EXPECT_EQ(reader.geometry().cells, 700u);
  EXPECT_EQ(reader.geometry().directory_bytes, 12288u);
}

TEST(Geometry, OfASegmentThatExistsStays) {
  TempSegment t;
  in_child([&] {
    const Segment segment(t.path(), {1, 1, 16, 4096});
    EXPECT_EQ(segment.status(), METRICS_OK);
  });
  reader::Reader reader(t.file());
  ASSERT_TRUE(reader.look());
  EXPECT_EQ(reader.geometry().first_slots, kSmall.processes);
  EXPECT_EQ(reader.geometry().cells, kSmall.cells);
}

TEST(Geometry, OtherThanTheSegmentsIsLoggedOnce) {
  TempPath t;
  in_child([&] { EXPECT_EQ(Segment(t.path(), kSmall).status(), METRICS_OK); });
  in_child([&] {
    static std::vector<std::string> told;
    metrics_set_log(
        [](metrics_status status, const char* text, void*) {
          EXPECT_EQ(status, METRICS_OK);
          told.emplace_back(text);
        },
        nullptr);
    ::setenv("METRICS_CELLS", "8192", 1);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(Segment(t.path()).status(), METRICS_OK);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told.front(),
              t.file() +
                  " keeps the size that it was made with: 4096 instead of METRICS_CELLS "
                  "8192; to change it, stop all processes that have it open and delete "
                  "the file");
  });
  for (const char* cells : {"", "4096"}) {  // asks for nothing, or for what is there
    in_child([&] {
      static unsigned lines = 0;
      metrics_set_log([](metrics_status, const char*, void*) { ++lines; }, nullptr);
      ::setenv("METRICS_CELLS", cells, 1);
      EXPECT_EQ(Segment(t.path()).status(), METRICS_OK);
      EXPECT_EQ(lines, 0u);
    });
  }
}

TEST(Geometry, OutOfItsRangeIsRefused) {
  TempPath t;
  in_child([&] {
    metrics_segment* segment = nullptr;
    const metrics_geometry few_cells = {sizeof few_cells, 1, 1, 15, 4096};
    EXPECT_EQ(metrics_open(t.path().c_str(), &few_cells, &segment), METRICS_INVALID);
    EXPECT_STREQ(metrics_last_error(),
                 "a segment of 15 can't be made; $METRICS_CELLS goes from 16 to 4294967296");
    const metrics_geometry many_cells = {sizeof many_cells, 1024, 1024, std::uint64_t{1} << 32,
                                         4096};
    EXPECT_EQ(metrics_open(t.path().c_str(), &many_cells, &segment), METRICS_INVALID);
    EXPECT_STREQ(metrics_last_error(),
                 "a segment with 4294967296 cells in each of 2049 slots can't be made: it would be "
                 "too large; $METRICS_CELLS goes to 4276102139 with as many slots");
    ::setenv("METRICS_PROCESSES", "0", 1);
    EXPECT_EQ(metrics_open(t.path().c_str(), nullptr, &segment), METRICS_INVALID);
    EXPECT_STREQ(metrics_last_error(),
                 "a segment of 0 can't be made; $METRICS_PROCESSES goes from 1 to 1048575");
    ::setenv("METRICS_PROCESSES", "8 ", 1);
    EXPECT_EQ(metrics_open(t.path().c_str(), nullptr, &segment), METRICS_INVALID);
    EXPECT_STREQ(metrics_last_error(),
                 "$METRICS_PROCESSES is \"8 \"; write a whole number, e.g. 1024");
  });
}

// What a child does whose segment's name leads nowhere, or elsewhere, by the time it claims.
void expect_gone(const TempSegment& t, Counter tasks, Gauge load) {
  tasks.inc(7);
  load.set(1);
  EXPECT_EQ(t.segment().status(), METRICS_GONE);
  metrics_family* family = nullptr;
  EXPECT_EQ(metrics_family_of(t.segment().get(), METRICS_COUNTER, "late", "", nullptr, 0, nullptr,
                              &family),
            METRICS_OK);
  metrics_counter* late = nullptr;
  EXPECT_EQ(metrics_counter_labels(family, nullptr, 0, &late),
            METRICS_OK);  // on a page that is reserved
  std::vector<double> bounds;
  for (unsigned i = 0; i < 1000; ++i) bounds.push_back(i);
  EXPECT_EQ(metrics_family_of(t.segment().get(), METRICS_HISTOGRAM, "large", "", nullptr, 0,
                              test::Options().bounds(bounds).get(), &family),
            METRICS_OK);
  metrics_histogram* large = nullptr;
  EXPECT_EQ(metrics_histogram_labels(family, nullptr, 0, &large), METRICS_GONE);
  ASSERT_NE(large, nullptr);
  metrics_histogram_observe(large, 1);
  std::thread([tasks]() mutable { tasks.inc(100); }).join();
}

TEST(Gone, ADeletedSegmentIsCountedInTheSharedSlotOfTheOldFile) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  Gauge load = t.gauge("load", Mode::kSum);
  tasks.inc(5);
  const std::string kept = t.directory() + "/kept.v2";
  ASSERT_EQ(::link(t.file().c_str(), kept.c_str()), 0);
  ASSERT_EQ(::unlink(t.file().c_str()), 0);
  in_child([&] { expect_gone(t, tasks, load); });
  tasks.inc(2);  // the parent's slot is mapped and stays its own
  EXPECT_EQ(t.segment().status(), METRICS_GONE) << "nobody will see it under the old name";
  const Scrape scrape(kept);
  EXPECT_EQ(scrape.in_slot(0, "tasks"), 107u);
  EXPECT_EQ(scrape.in_slot(1, "tasks"), 7u);
  EXPECT_EQ(scrape.first_slots(), 1u);
  EXPECT_EQ(scrape.dropped(format::Drop::kClaimUnreachable), 1u);
  EXPECT_EQ(scrape.dropped(format::Drop::kGaugeWithoutSlot), 1u);
}

TEST(Gone, AReplacedSegmentGetsNothingOfTheOldOnes) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  Gauge load = t.gauge("load", Mode::kSum);
  tasks.inc(5);
  const std::string kept = t.directory() + "/kept.v2";
  ASSERT_EQ(::rename(t.file().c_str(), kept.c_str()), 0);
  TempPath other;
  in_child([&] {
    const Segment made(other.path(), kSmall);
    EXPECT_EQ(made.status(), METRICS_OK);
  });
  ASSERT_EQ(::rename(other.file().c_str(), t.file().c_str()), 0);
  in_child([&] { expect_gone(t, tasks, load); });
  const Scrape old(kept);
  EXPECT_EQ(old.in_slot(0, "tasks"), 107u);
  EXPECT_EQ(old.in_slot(1, "tasks"), 5u);
  EXPECT_EQ(t.scrape().family_count(), 0u);
  EXPECT_EQ(t.scrape().first_slots(), 0u);
  EXPECT_EQ(owner_of(t.file(), 1).state, format::Ownership::State::kFree);
}

TEST(Gone, AThreadOfAProcessWithASlotCountsInTheSharedOne) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  Gauge load = t.gauge("load", Mode::kSum);
  tasks.inc();
  const std::string kept = t.directory() + "/kept.v2";
  ASSERT_EQ(::rename(t.file().c_str(), kept.c_str()), 0);
  std::thread([tasks, load]() mutable {
    tasks.inc(5);
    load.set(3);  // the process's first slot is as good as before
  }).join();
  EXPECT_EQ(t.segment().status(), METRICS_GONE);
  const Scrape scrape(kept);
  EXPECT_EQ(scrape.in_slot(0, "tasks"), 5u);
  EXPECT_EQ(scrape.gauge("load"), 3);
}

TEST(Gone, AProcessThatMayNotOpenTheFileAnyMoreSaysSo) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  TempSegment t;
  Counter tasks = t.counter("tasks");
  in_child([&] {
    ASSERT_EQ(::setuid(1001), 0);
    tasks.inc(5);
    EXPECT_EQ(t.segment().status(), METRICS_NO_PERMISSION);
    EXPECT_TRUE(
        std::string(metrics_last_error())
            .ends_with("; it can't be opened: Permission denied: the directory " + t.directory() +
                       " belongs to user 0 and group 0, mode 0700, and this process runs as "
                       "user 1001; let it into that directory, or choose another path"))
        << metrics_last_error();
  });
  EXPECT_EQ(t.scrape().in_slot(0, "tasks"), 5u);
}

}  // namespace
}  // namespace metrics::test
