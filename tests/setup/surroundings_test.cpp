// What a process that joins a segment is told about where that is, and beside whom it counts.
#include "libmetrics/setup/surroundings.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "libmetrics/setup/registry.h"
#include "tests/support/living.h"
#include "tests/support/patch.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

extern char** environ;

namespace metrics::test {
namespace {

using Lines = std::vector<std::string>;

// Collects what is logged from now on.
Lines& logged() {
  static Lines lines;
  metrics_set_log([](metrics_status, const char* text, void*) { lines.emplace_back(text); },
                  nullptr);
  return lines;
}

// Another program, in a process group of its own or in this one's. It lives as long as the object.
class Sleeper {
 public:
  explicit Sleeper(bool of_own_group) {
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    if (of_own_group) ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    std::string name = "sleep", time = "60";
    std::array<char*, 3> arguments = {name.data(), time.data(), nullptr};
    EXPECT_EQ(::posix_spawnp(&pid_, "sleep", nullptr, &attributes, arguments.data(), environ), 0);
    ::posix_spawnattr_destroy(&attributes);
  }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  ~Sleeper() { killed(pid_); }
  auto pid() const { return static_cast<std::uint64_t>(pid_); }

 private:
  pid_t pid_ = -1;
};

void expect_stranger(const std::string& line, const std::string& file, const Sleeper& other) {
  EXPECT_EQ(line,
            "METRICS_SEGMENT is not set: this process, of " +
                std::filesystem::read_symlink("/proc/self/exe").filename().native() +
                ", counts in " + file + " together with process " + std::to_string(other.pid()) +
                ", of sleep; give each service a METRICS_SEGMENT of its own, or both the same one "
                "if they are one");
}

TEST(Surroundings, ASegmentOnADiskIsLoggedOnceWithWhatToDo) {
  struct statfs info {};
  ASSERT_EQ(::statfs(".", &info), 0);
  if (info.f_type == 0x01021994) GTEST_SKIP() << "the working directory is in memory";
  std::string directory = std::filesystem::current_path().native() + "/surroundings-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  const std::string path = directory + "/segment";
  EXPECT_EQ(ended(forked([&] {
              const TempDirectory clean;  // of METRICS_* variables
              const Lines& lines = logged();
              for (int i = 0; i < 2; ++i) EXPECT_EQ(Segment(path, kSmall).status(), METRICS_OK);
              EXPECT_EQ(lines,
                        Lines{path + ".v2 is on a disk file system, whose writeback can stall "
                                     "updates; choose a path on tmpfs, e.g. under /dev/shm "
                                     "or /run"});
            })),
            0);
  std::filesystem::remove_all(directory);
}

TEST(Surroundings, ASegmentInMemoryThatWasChosenIsNotWorthALine) {
  TempPath t;
  const Lines& lines = logged();
  const Segment segment(t.path(), kSmall);
  EXPECT_EQ(lines, Lines{});
  metrics_set_log(nullptr, nullptr);
}

// A head that names the other program stands for a worker of that program.
TEST(Surroundings, AnotherServiceInTheDefaultSegmentIsWorthALine) {
  TempSegment t;
  const Living worker([&] { t.counter("tasks").inc(); });
  Patch patch(t.file());
  const update::Segment& segment = *setup::Registry::open(t.file(), kSmallInC).segment();
  EXPECT_EQ(setup::surroundings(segment, true), Lines{}) << "a worker of this program";
  const Sleeper related(false);
  patch.head(1).pid = related.pid();
  EXPECT_EQ(setup::surroundings(segment, true), Lines{}) << "started together with this process";
  const Sleeper stranger(true);
  patch.head(1).pid = stranger.pid();
  const Lines lines = setup::surroundings(segment, true);
  ASSERT_EQ(lines.size(), 1u);
  expect_stranger(lines.front(), t.file(), stranger);
  EXPECT_EQ(setup::surroundings(segment, false), Lines{}) << "somebody has chosen the segment";
}

TEST(Surroundings, TheDeadAreNoStrangers) {
  TempSegment t;
  started([&] { t.counter("tasks").inc(); });
  ASSERT_TRUE(becomes_free(t.file(), 1));
  const Sleeper stranger(true);
  Patch(t.file()).head(1).pid = stranger.pid();
  EXPECT_EQ(setup::surroundings(*setup::Registry::open(t.file(), kSmallInC).segment(), true),
            Lines{});
}

TEST(Surroundings, AStrangerIsLoggedOnceWhenTheDefaultSegmentIsJoined) {
  EXPECT_EQ(ended(forked([] {
              const TempDirectory clean;  // of METRICS_* variables
              if (::unshare(CLONE_NEWNS) != 0 ||
                  ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
                  ::mount("none", "/dev/shm", "tmpfs", 0, nullptr) != 0) {
                return;  // the file of the real default segment is not a test's
              }
              const std::string file = "/dev/shm/metrics-" + std::to_string(::geteuid()) + ".v2";
              const Living worker([] { Family<Counter>("tasks", "").labels().inc(); });
              const Sleeper stranger(true);
              Patch(file).head(1).pid = stranger.pid();
              const Lines& lines = logged();
              for (int i = 0; i < 2; ++i) EXPECT_EQ(Segment().status(), METRICS_OK);
              ASSERT_EQ(lines.size(), 1u);
              expect_stranger(lines.front(), file, stranger);
            })),
            0);
}

}  // namespace
}  // namespace metrics::test
