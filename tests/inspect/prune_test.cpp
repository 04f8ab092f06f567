// A segment that has taken another one's place while that was being removed stays.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>

#include "tests/support/living.h"
#include "tests/support/temp_segment.h"
#include "tools/inspect/commands.h"

namespace {

std::function<void()> before_lease;  // is called once, when a lease is asked for

}  // namespace

// Stands in for the C library's in this program.
extern "C" int fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  if (command == F_SETLEASE && before_lease) std::exchange(before_lease, nullptr)();
  return static_cast<int>(::syscall(SYS_fcntl, fd, command, argument));
}

namespace metrics::inspect {
namespace {

// Makes a segment that nobody uses any more.
void leave_segment(const std::string& path) {
  test::started([&] {
    const Segment segment(path, test::kSmall);
    Family<Counter>("tasks", "", {}, {.segment = segment}).labels().inc();
  });
}

std::string pruned(const std::string& path) {
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(prune(path, true, Format::kText), kFine);
  return ::testing::internal::GetCapturedStdout();
}

TEST(Prune, LeavesASegmentThatHasTakenTheOldOnesPlaceMeanwhile) {
  const test::TempPath t;
  const std::string other = t.directory() + "/other";
  leave_segment(t.path());
  leave_segment(other);
  bool was_asked = false;
  before_lease = [&] {
    was_asked = true;
    std::filesystem::rename(other + ".v2", t.file());
  };
  EXPECT_NE(pruned(t.path()).find(" used\n"), std::string::npos);
  ASSERT_TRUE(was_asked);
  EXPECT_TRUE(std::filesystem::exists(t.file()));
  EXPECT_NE(pruned(t.path()).find(" removed\n"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(t.file()));
}

}  // namespace
}  // namespace metrics::inspect
