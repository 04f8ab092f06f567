// A program that has closed descriptors 0 to 2 never gets a segment in their place.
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "libmetrics/format/file.h"
#include "tests/support/shared_memory.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace {

// Run before and after a file is opened, and while it is used.
std::function<void()> before_open, while_open;

}  // namespace

extern "C" int open(const char* path, int flags, ...) {
  static const auto real =
      reinterpret_cast<int (*)(const char*, int, ...)>(::dlsym(RTLD_NEXT, "open"));
  va_list arguments;
  va_start(arguments, flags);
  const auto mode = va_arg(arguments, mode_t);  // any value, where none is given
  va_end(arguments);
  if (before_open) before_open();
  const int fd = real(path, flags, mode);
  const int error = errno;
  if (while_open) while_open();
  errno = error;
  return fd;
}

extern "C" int fallocate(int fd, int mode, off_t offset, off_t bytes) {
  static const auto real =
      reinterpret_cast<decltype(&::fallocate)>(::dlsym(RTLD_NEXT, "fallocate"));
  if (while_open) while_open();
  return real(fd, mode, offset, bytes);
}

namespace metrics::test {
namespace {

TEST(StandardDescriptors, OfWhichAnyAreClosedAreKept) {
  const TempDirectory directory;
  const std::string file = directory.path() + "/file";
  ASSERT_GE(format::Descriptor(::creat(file.c_str(), 0600)).get(), 0);
  for (unsigned closed = 0; closed < 8; ++closed) {
    const pid_t worker = forked([&] {
      for (int fd = 0; fd <= STDERR_FILENO; ++fd) {
        if ((closed >> fd & 1u) != 0) ::close(fd);
      }
      {
        const auto opened = format::open_file(file.c_str(), format::OpenFor::kWriting);
        if (opened.get() <= STDERR_FILENO) ::_exit(2);
      }
      for (int fd = 0; fd <= STDERR_FILENO; ++fd) {
        const bool was_closed = (closed >> fd & 1u) != 0;
        const bool is_closed = ::fcntl(fd, F_GETFD) == -1;
        if (is_closed != was_closed) ::_exit(3);
      }
      ::_exit(0);
    });
    EXPECT_EQ(ended(worker), 0) << "with these closed, by bits: " << closed;
  }
}

// Descriptor 2 is there when the library looks whether it is, and gone when it opens its file.
TEST(StandardDescriptors, ThatAreClosedMeanwhileAreNotTheFile) {
  const TempPath path;
  ASSERT_GE(format::Descriptor(::creat(path.file().c_str(), 0600)).get(), 0);
  const pid_t worker = forked([&] {
    before_open = [] { ::close(STDERR_FILENO); };
    const auto opened = format::open_file(path.file().c_str(), format::OpenFor::kWriting);
    before_open = nullptr;
    if (opened.get() <= STDERR_FILENO) ::_exit(2);
    ::_exit(::fcntl(STDERR_FILENO, F_GETFD) == -1 ? 0 : 3);
  });
  EXPECT_EQ(ended(worker), 0);
}

// A logger may write at any moment; these are some, while the library has a file open.
TEST(StandardDescriptors, AreNeverTheSegmentWhileAnotherThreadWritesToThem) {
  const TempPath path;
  auto& moments = shared<unsigned>();
  const pid_t worker = forked([&] {
    for (int fd = 0; fd <= STDERR_FILENO; ++fd) ::close(fd);
    while_open = [&] {
      ++moments;
      constexpr std::string_view kLine = "a message that is longer than a magic number\n";
      for (int fd = 0; fd <= STDERR_FILENO; ++fd) {
        if (::write(fd, kLine.data(), kLine.size()) != -1) ::_exit(2);
      }
    };
    const Segment segment(path.path(), kSmall);
    const Family<Counter> tasks("tasks", "", {"n"}, {.segment = segment});
    tasks.labels("all").inc();
    std::thread([&] { tasks.labels("all").inc(); }).join();
    for (int i = 0; i < 300; ++i) tasks.labels(i).inc();  // more pages
    ::_exit(segment.status() == METRICS_OK ? 0 : 1);
  });
  EXPECT_EQ(ended(worker), 0);
  EXPECT_GE(moments, 4u);
  EXPECT_EQ(path.scrape().count("tasks", {"all"}), 2u);
}

}  // namespace
}  // namespace metrics::test
