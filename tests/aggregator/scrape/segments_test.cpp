// One sound segment among files that are none, or that cost much: it is served as if it were alone.
#include "aggregator/scrape/segments.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "libmetrics/format/file.h"
#include "tests/support/forged_segment.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::scrape {
namespace {

using test::ForgedSegment;

class Directory {
 public:
  Directory() : sound_(path() + "/m-sound", test::kSmall) {
    Family<Counter>("tasks", "", {}, {.segment = sound_}).labels().inc(7);
  }
  std::string path() const { return directory_.path(); }
  std::string file(const std::string& name) const { return path() + '/' + name + ".v2"; }

 private:
  test::TempDirectory directory_;
  Segment sound_;
};

// Returns the state of the segment with that name; that of an unknown one if there is none.
SegmentState state_of(const Segments& segments, const std::string& name) {
  for (const SegmentState& s : segments.states()) {
    if (s.name.ends_with('/' + name)) return s;
  }
  return {"", false, "is not there", nullptr};
}

// Lets the process have that many descriptors.
void allow_files(rlim_t count) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = count;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &files), 0);
}

// A file that takes little, and shows as much as that many series of a thousand buckets do.
void forge_buckets(const std::string& file, std::size_t series) {
  std::vector<double> bounds;
  for (unsigned i = 0; i < format::kMaxBounds; ++i) bounds.push_back(i);
  const std::uint32_t cells = format::histogram_cells(format::kMaxBounds);
  ForgedSegment forged({sizeof(metrics_geometry), 1, 1, series * cells, (series + 2) << 14});
  const auto family = forged.family({format::Type::kHistogram, "wide", "", "", {"n"}, bounds});
  for (std::size_t i = 0; i < series; ++i) {
    const std::string label = std::to_string(i) + std::string(16'000, 'x');
    forged.series(family, {label}, i * cells, cells);
  }
  forged.write(file);
}

TEST(Segments, FilesThatAreNoSegmentsUseUpNoDescriptors) {
  const int result = test::ended(test::forked([] {
    const Directory directory;
    constexpr rlim_t kFiles = 64;
    for (rlim_t i = 0; i < 2 * kFiles; ++i) std::ofstream(directory.file("a" + std::to_string(i)));
    allow_files(kFiles);
    Segments segments({directory.path()}, reader::Access::kCopied, Owners());
    segments.read();
    EXPECT_EQ(segments.states().size(), 2 * kFiles + 1);
    EXPECT_EQ(state_of(segments, "m-sound").why, "");
    EXPECT_NE(state_of(segments, "a0").why.find(" is not a metrics segment: it has 0 bytes"),
              std::string::npos);
  }));
  EXPECT_EQ(result, 0);
}

// With no patience at all, every segment that has changed takes too long.
TEST(Segments, OneThatTakesTooLongDelaysNoOtherAndHasTimeWhenItIsAlone) {
  const Directory directory;
  Segments segments({directory.path() + '/'}, reader::Access::kMapped, Owners(),
                    std::chrono::milliseconds(0));
  segments.read();
  ASSERT_TRUE(state_of(segments, "m-sound").up) << "alone, it has all the time it needs";
  const Segment late(directory.path() + "/a-late", test::kSmall);
  Family<Counter>("tasks", "", {}, {.segment = late}).labels().inc();
  for (int scrape = 0; scrape < 2; ++scrape) {
    segments.read();
    EXPECT_TRUE(state_of(segments, "m-sound").up) << "it has not changed";
    EXPECT_FALSE(state_of(segments, "a-late").up);
    EXPECT_NE(state_of(segments, "a-late").why.find("takes too long"), std::string::npos);
  }
  ASSERT_EQ(::unlink(directory.file("m-sound").c_str()), 0);
  segments.read();
  EXPECT_TRUE(state_of(segments, "a-late").up);
}

TEST(Segments, MoreSegmentsThanMayBeOpenTakeNoOnesPlace) {
  const int result = test::ended(test::forked([] {
    const Directory directory;
    constexpr rlim_t kFiles = 64;
    allow_files(kFiles);
    Segments segments({directory.path()}, reader::Access::kCopied, Owners());
    segments.read();
    EXPECT_TRUE(state_of(segments, "m-sound").up);
    for (rlim_t i = 0; i < kFiles; ++i) {
      ForgedSegment({sizeof(metrics_geometry), 1, 1, 512, 4096})
          .write(directory.file("a" + std::to_string(i)));
    }
    segments.read();
    EXPECT_TRUE(state_of(segments, "m-sound").up) << "it was served before";
    EXPECT_NE(state_of(segments, "a9").why.find(" would be one more than this process may have"),
              std::string::npos);
    EXPECT_GE(::dup(0), 0) << "none is left for connections";
  }));
  EXPECT_EQ(result, 0);
}

// Returns how often files of the directory were opened since the watch began, by name.
std::map<std::string, int> opened(int watch) {
  alignas(inotify_event) std::array<char, 64 << 10> buffer;
  std::map<std::string, int> count;
  for (ssize_t got; (got = ::read(watch, buffer.data(), buffer.size())) > 0;) {
    for (ssize_t at = 0; at < got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      if (event->len > 0) ++count[event->name];
      at += static_cast<ssize_t>(sizeof *event + event->len);
    }
  }
  return count;
}

TEST(Segments, AreOpenedWhenTheyAreFoundAndNotAtEachScrape) {
  const Directory directory;
  const Segment second(directory.path() + "/second", test::kSmall);
  const format::Descriptor watch(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  ASSERT_GE(::inotify_add_watch(watch.get(), directory.path().c_str(), IN_OPEN), 0);
  Segments segments({directory.path()}, reader::Access::kMapped, Owners());
  segments.read();
  const std::map<std::string, int> once = {{"m-sound.v2", 1}, {"second.v2", 1}};
  EXPECT_EQ(opened(watch.get()), once);
  const Segment third(directory.path() + "/third", test::kSmall);
  opened(watch.get());  // by who has made it
  segments.read();
  EXPECT_EQ(opened(watch.get()), (std::map<std::string, int>{{"third.v2", 1}}));
  segments.read();
  EXPECT_EQ(opened(watch.get()), (std::map<std::string, int>{}));
  EXPECT_EQ(segments.states().size(), 3u);
}

// Returns what the segments' counters `tasks` show, by the end of their names.
std::map<std::string, std::uint64_t> tasks(Segments& segments) {
  segments.read();
  std::map<std::string, std::uint64_t> shown;
  for (const Source& source : segments.sources()) {
    const std::string name = source.segment.substr(source.segment.rfind('/') + 1);
    for (const reader::Family& family : source.families->families) {
      for (const reader::Series& series : family.series) {
        shown[name] += source.families->counts(family, series).front();
      }
    }
  }
  return shown;
}

void count(const std::string& path, std::uint64_t tasks) {
  const int result = test::ended(test::forked([&] {
    const Segment segment(path, test::kSmall);
    Family<Counter>("tasks", "", {}, {.segment = segment}).labels().inc(tasks);
  }));
  ASSERT_EQ(result, 0);
}

using Tasks = std::map<std::string, std::uint64_t>;

TEST(Segments, AreThoseThatHaveTheNamesNow) {
  const Directory directory;
  count(directory.path() + "/shop", 1);
  Segments segments({directory.path()}, reader::Access::kMapped, Owners());
  EXPECT_EQ(tasks(segments), (Tasks{{"m-sound", 7}, {"shop", 1}}));
  // Renamed: the same counts under another name.
  ASSERT_EQ(::rename(directory.file("shop").c_str(), directory.file("store").c_str()), 0);
  EXPECT_EQ(tasks(segments), (Tasks{{"m-sound", 7}, {"store", 1}}));
  // Deleted, and made anew between two scrapes: it counts from its beginning.
  ASSERT_EQ(::unlink(directory.file("store").c_str()), 0);
  count(directory.path() + "/store", 20);
  EXPECT_EQ(tasks(segments), (Tasks{{"m-sound", 7}, {"store", 20}}));
  // Another one is put in its place.
  count(directory.path() + "/new", 300);
  ASSERT_EQ(::rename(directory.file("new").c_str(), directory.file("store").c_str()), 0);
  EXPECT_EQ(tasks(segments), (Tasks{{"m-sound", 7}, {"store", 300}}));
  // And two change their names with each other.
  ASSERT_EQ(::renameat2(AT_FDCWD, directory.file("store").c_str(), AT_FDCWD,
                        directory.file("m-sound").c_str(), RENAME_EXCHANGE),
            0);
  EXPECT_EQ(tasks(segments), (Tasks{{"m-sound", 300}, {"store", 7}}));
  ASSERT_EQ(::unlink(directory.file("store").c_str()), 0);
  EXPECT_EQ(tasks(segments), (Tasks{{"m-sound", 300}}));
}

// What is shared goes to those that need the least of it, in whatever order their names are.
TEST(Segments, TheCheapestAreServedFirst) {
  const Directory directory;
  // 16 KB in a thousand buckets, twice: 33 MB for each series.
  forge_buckets(directory.file("a-large"), 7);
  forge_buckets(directory.file("b-larger"), 8);
  for (const char* small : {"c", "d", "e"}) forge_buckets(directory.file(small), 2);
  Segments segments({directory.path()}, reader::Access::kCopied, Owners());
  for (int again = 0; again < 2; ++again) {
    segments.read();
    for (const char* name : {"c", "d", "e", "m-sound"}) {
      EXPECT_EQ(state_of(segments, name).why, "") << name;
    }
    for (const char* name : {"a-large", "b-larger"}) {
      EXPECT_NE(state_of(segments, name).why.find(" describes so many samples, or has labels so"),
                std::string::npos)
          << name;
    }
  }
}

TEST(Segments, SayHowManyOfTheirSeriesAreLeftOut) {
  const Directory directory;
  const Segment late(directory.path() + "/late", test::kSmall);
  const Counter idle = Family<Counter>("tasks", "", {"type"}, {.segment = late}).labels("idle");
  Segments segments({directory.path() + '/'}, reader::Access::kMapped, Owners(),
                    Segments::kPatience, std::chrono::nanoseconds(1));
  segments.read();
  EXPECT_EQ(state_of(segments, "late").expired, 0u);
  segments.read();
  EXPECT_EQ(state_of(segments, "late").expired, 1u);
  EXPECT_EQ(state_of(segments, "m-sound").expired, 0u) << "it has no labels";
  ASSERT_NE(segments.sources().front().left_out, nullptr);
  EXPECT_EQ(segments.sources().back().left_out, nullptr);
  idle.inc();
  segments.read();
  EXPECT_EQ(state_of(segments, "late").expired, 0u);
  segments.read();
  ASSERT_EQ(::unlink(directory.file("late").c_str()), 0);
  std::ofstream(directory.file("late"));
  segments.read();
  EXPECT_EQ(state_of(segments, "late").expired, 0u) << "it can't be read";
  EXPECT_EQ(segments.sources().front().left_out, nullptr);
}

TEST(Segments, ThoseOfAnotherUserAreNotReadUnlessItIsNamed) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  const Directory directory;
  ASSERT_EQ(::chown(directory.file("m-sound").c_str(), 4711, 4711), 0);
  Segments strict({directory.path()}, reader::Access::kCopied, Owners());
  strict.read();
  const SegmentState refused = state_of(strict, "m-sound");
  EXPECT_FALSE(refused.up);
  EXPECT_NE(refused.why.find(" belongs to user 4711, "), std::string::npos) << refused.why;
  EXPECT_EQ(refused.owner, "4711");
  EXPECT_TRUE(strict.sources().at(0).families->families.empty());
  Segments named({directory.path()}, reader::Access::kCopied, Owners({"4711"}));
  named.read();
  EXPECT_TRUE(state_of(named, "m-sound").up);
}

}  // namespace
}  // namespace metrics::scrape
