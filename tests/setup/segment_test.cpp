// Whom a segment lets join, and what becomes of a file that is none.
#include "libmetrics/update/segment.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "libmetrics/format/access.h"
#include "libmetrics/format/layout.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

struct Refusal {
  metrics_status status;
  std::string why;
  bool operator==(const Refusal&) const = default;
};
void PrintTo(const Refusal& r, std::ostream* out) { *out << r.status << ": " << r.why; }

// What metrics_open() says of the path, and that updates and definitions work all the same.
Refusal opened(const std::string& path) {
  metrics_segment* segment = nullptr;
  const metrics_status status = metrics_open(path.c_str(), &kSmallInC, &segment);
  const std::string why = status == METRICS_OK ? "" : metrics_last_error();
  EXPECT_NE(segment, nullptr);
  EXPECT_EQ(metrics_segment_status(segment), status);
  metrics_family* family = nullptr;
  EXPECT_EQ(metrics_family_of(segment, METRICS_COUNTER, "tasks", "", nullptr, 0, nullptr, &family),
            METRICS_OK);
  metrics_counter* tasks = nullptr;
  EXPECT_EQ(metrics_counter_labels(family, nullptr, 0, &tasks), METRICS_OK);
  EXPECT_NE(tasks, nullptr);
  metrics_counter_inc(tasks, 1);
  return {status, why};
}

// In a child, since a process keeps what it has learnt of a path.
void expect_refused(const TempPath& t, metrics_status status, const std::string& why) {
  EXPECT_EQ(ended(forked([&] {
              EXPECT_EQ(opened(t.path()), (Refusal{status, t.file() + why}));
            })),
            0);
}

void make_segment(const TempPath& t) {
  EXPECT_EQ(ended(forked([&] { EXPECT_EQ(opened(t.path()), (Refusal{METRICS_OK, ""})); })), 0);
}

constexpr const char* kNotRegular = " is not a regular file; remove it, or choose another path";

TEST(Segment, IsTheOwnersAlone) {
  TempPath t;
  make_segment(t);
  struct stat info {};
  ASSERT_EQ(::stat(t.file().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_EQ(info.st_uid, ::geteuid());
}

TEST(Segment, ASymbolicLinkIsRefused) {
  TempPath t;
  TempPath target;
  make_segment(target);
  ASSERT_EQ(::symlink(target.file().c_str(), t.file().c_str()), 0);
  expect_refused(t, METRICS_INCOMPATIBLE, " is a symbolic link; give the path of the file itself");
}

TEST(Segment, ADanglingSymbolicLinkIsRefused) {
  TempPath t;
  ASSERT_EQ(::symlink("/nowhere", t.file().c_str()), 0);
  expect_refused(t, METRICS_INCOMPATIBLE, " is a symbolic link; give the path of the file itself");
}

TEST(Segment, WhatIsNoRegularFileIsRefused) {
  TempPath fifo;
  ASSERT_EQ(::mkfifo(fifo.file().c_str(), 0600), 0);
  expect_refused(fifo, METRICS_INCOMPATIBLE, kNotRegular);

  TempPath directory;
  ASSERT_EQ(::mkdir(directory.file().c_str(), 0700), 0);
  expect_refused(directory, METRICS_INCOMPATIBLE, kNotRegular);

  TempPath socket;
  const format::Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket.file().c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  expect_refused(socket, METRICS_INCOMPATIBLE, kNotRegular);
}

TEST(Segment, ASegmentOfAnotherUserIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  TempPath t;
  make_segment(t);
  ASSERT_EQ(::chown(t.file().c_str(), 4711, 4711), 0);
  expect_refused(
      t, METRICS_NO_PERMISSION,
      " belongs to user 4711 and group 4711, mode 0600, and this process runs as user 0; "
      "set METRICS_SEGMENT to a path of its own, or METRICS_GROUP, for both, to a group "
      "that both users are in");
}

std::string whose(const TempPath& t) {
  struct stat info {};
  EXPECT_EQ(::stat(t.file().c_str(), &info), 0);
  return format::belonging(info);
}

TEST(Segment, AProcessThatMayNotOpenItSeesWhoseItIsAndWhatToDo) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  TempPath t;
  make_segment(t);
  const auto refusal = [&](const std::string& why) {
    EXPECT_EQ(ended(forked([&] {
                ASSERT_EQ(::seteuid(1001), 0);
                EXPECT_EQ(opened(t.path()),
                          (Refusal{METRICS_NO_PERMISSION,
                                   t.file() + " can't be opened: Permission denied: " + why}));
              })),
              0);
  };
  refusal("the directory " + t.directory() +
          " belongs to user 0 and group 0, mode 0700, and this process runs as user 1001; let it "
          "into that directory, or choose another path");
  ASSERT_EQ(::chmod(t.directory().c_str(), 0755), 0);
  refusal(
      "it belongs to user 0 and group 0, mode 0600, and this process runs as user 1001; run it as "
      "that user, or set METRICS_GROUP, to a group that both users are in, before the segment is "
      "created");
}

TEST(Segment, OneThatOthersCanWriteToIsRefused) {
  TempPath t;
  make_segment(t);
  ASSERT_EQ(::chmod(t.file().c_str(), 0606), 0);
  expect_refused(t, METRICS_NO_PERMISSION,
                 " may be written by anybody: it " + whose(t) +
                     "; chmod it to 0600, or set METRICS_GROUP to its group");
  ASSERT_EQ(::chmod(t.file().c_str(), 0660), 0);
  expect_refused(t, METRICS_NO_PERMISSION,
                 " may be written by its group: it " + whose(t) +
                     "; chmod it to 0600, or set METRICS_GROUP to its group");
}

TEST(Segment, AGroupSharesOne) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root has two users to try it with";
  TempPath t;
  ASSERT_EQ(::chmod(t.directory().c_str(), 0777), 0);
  const auto count_as = [&](uid_t user, const char* group) {
    return ended(forked([&] {
      ::setenv("METRICS_GROUP", group, 1);
      ASSERT_EQ(::setegid(4711), 0);
      ASSERT_EQ(::seteuid(user), 0);
      const Refusal refusal = opened(t.path());
      EXPECT_EQ(refusal, (Refusal{METRICS_OK, ""}));
    }));
  };
  EXPECT_EQ(count_as(1001, "4711"), 0);
  EXPECT_EQ(count_as(1002, "4711"), 0);
  struct stat info {};
  ASSERT_EQ(::stat(t.file().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0660u);
  EXPECT_EQ(info.st_gid, 4711u);
  EXPECT_EQ(t.scraped("tasks"), 2u);
  EXPECT_EQ(ended(forked([&] {
              ::setenv("METRICS_GROUP", "no such group", 1);
              EXPECT_EQ(opened(t.path()),
                        (Refusal{METRICS_INVALID,
                                 "$METRICS_GROUP is \"no such group\", which is not a group here; "
                                 "write a group's name or number"}));
            })),
            0);
}

// Makes the segment's folder one of `mode` and of the group 4711, lets two users of that group
// count in it, and returns the mode of the file. `second` is how the second one fares.
mode_t shared_in_folder(const TempPath& t, mode_t mode, metrics_status second) {
  EXPECT_EQ(::chown(t.directory().c_str(), 0, 4711), 0);
  EXPECT_EQ(::chmod(t.directory().c_str(), mode), 0);
  const auto count_as = [&](uid_t user) {
    metrics_segment* segment = nullptr;
    ASSERT_EQ(::setgroups(0, nullptr), 0);
    ASSERT_EQ(::setegid(4711), 0);
    ASSERT_EQ(::seteuid(user), 0);
    EXPECT_EQ(metrics_open(t.path().c_str(), &kSmallInC, &segment),
              user == 1001 ? METRICS_OK : second);
  };
  EXPECT_EQ(ended(forked([&] { count_as(1001); })), 0);
  EXPECT_EQ(ended(forked([&] { count_as(1002); })), 0);
  struct stat info {};
  EXPECT_EQ(::stat(t.file().c_str(), &info), 0);
  return info.st_mode & 07777;
}

TEST(Segment, AFolderThatIsMadeForAGroupSharesItWithThatGroup) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root has two users to try it with";
  EXPECT_EQ(shared_in_folder(TempPath(), 02770, METRICS_OK), 0660u);
}

TEST(Segment, AFolderThatIsForMoreThanAGroupSharesItWithNobody) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root has two users to try it with";
  EXPECT_EQ(shared_in_folder(TempPath(), 02777, METRICS_NO_PERMISSION), 0600u) << "for anybody";
  EXPECT_EQ(shared_in_folder(TempPath(), 00770, METRICS_NO_PERMISSION), 0600u) << "not setgid";
}

TEST(Segment, TheVariableOutweighsTheFolder) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root has two users to try it with";
  TempPath t;
  ASSERT_EQ(::chown(t.directory().c_str(), 1001, 4712), 0);
  ASSERT_EQ(::chmod(t.directory().c_str(), 02770), 0);
  EXPECT_EQ(ended(forked([&] {
              ::setenv("METRICS_GROUP", "4711", 1);
              ASSERT_EQ(::setegid(4711), 0);
              ASSERT_EQ(::seteuid(1001), 0);
              EXPECT_EQ(opened(t.path()), (Refusal{METRICS_OK, ""}));
            })),
            0);
  struct stat info {};
  ASSERT_EQ(::stat(t.file().c_str(), &info), 0);
  EXPECT_EQ(info.st_gid, 4711u);
}

TEST(Segment, ADirectoryThatOneMayNotWriteToIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  TempPath t;
  ASSERT_EQ(::chmod(t.directory().c_str(), 0755), 0);
  EXPECT_EQ(ended(forked([&] {
              ASSERT_EQ(::seteuid(1001), 0);
              EXPECT_EQ(
                  opened(t.path()),
                  (Refusal{METRICS_NO_PERMISSION,
                           "can't create " + t.file() + ": Permission denied: the directory " +
                               t.directory() +
                               " belongs to user 0 and group 0, mode 0755, and this process "
                               "runs as user 1001; set METRICS_SEGMENT to a path where it may "
                               "create files"}));
            })),
            0);
}

TEST(Segment, ADirectoryThatIsNotThereIsNotMade) {
  TempPath t;
  const std::string path = t.directory() + "/none/segment";
  EXPECT_EQ(ended(forked([&] {
              EXPECT_EQ(opened(path),
                        (Refusal{METRICS_SYSTEM,
                                 "can't create " + path + ".v2: No such file or directory"}));
            })),
            0);
}

void write_at(const TempPath& t, off_t offset, const void* bytes, std::size_t size) {
  const format::Descriptor fd(::open(t.file().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::pwrite(fd.get(), bytes, size, offset), static_cast<ssize_t>(size));
}

TEST(Segment, AForeignFileIsRefusedAndLeftAsItIs) {
  TempPath empty;
  write_at(empty, 0, "", 0);
  expect_refused(empty, METRICS_INCOMPATIBLE,
                 " is not a metrics segment: it has 0 bytes; remove it");

  TempPath small;
  write_at(small, 0, "text", 4);
  expect_refused(small, METRICS_INCOMPATIBLE,
                 " is not a metrics segment: it has 4 bytes; remove it");
  char text[5] = "";
  const format::Descriptor fd(::open(small.file().c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(::pread(fd.get(), text, 4, 0), 4);
  EXPECT_STREQ(text, "text");

  TempPath large;
  write_at(large, 0, std::string(10'000, 'x').data(), 10'000);
  expect_refused(large, METRICS_INCOMPATIBLE, " is not a metrics segment");
}

TEST(Segment, ATruncatedOneIsRefused) {
  TempPath t;
  make_segment(t);
  struct stat info {};
  ASSERT_EQ(::stat(t.file().c_str(), &info), 0);
  ASSERT_EQ(::truncate(t.file().c_str(), info.st_size - 1), 0);
  expect_refused(t, METRICS_INCOMPATIBLE,
                 " is truncated: " + std::to_string(info.st_size - 1) + " of " +
                     std::to_string(info.st_size) + " bytes");
}

TEST(Segment, AnotherMajorVersionIsRefused) {
  TempPath t;
  make_segment(t);
  const std::uint32_t version[2] = {1, 3};
  write_at(t, offsetof(format::Header, major), version, sizeof version);
  expect_refused(t, METRICS_INCOMPATIBLE, " has format 1.3; this program knows 2.x");
}

// Who obeys none of the rules that a feature stands for would spoil the segment for others.
TEST(Segment, AFeatureThatIsNotKnownIsRefused) {
  constexpr const char* kWhy =
      " has format 2.3 with features that this program, for 2.3, does not know (bits 4); use the "
      "newer library, or another path";
  const std::uint32_t bit = 4;
  for (const bool for_readers : {true, false}) {
    TempPath t;
    make_segment(t);
    write_at(t,
             for_readers ? offsetof(format::Header, features)
                         : offsetof(format::Header, writer_features),
             &bit, sizeof bit);
    expect_refused(t, METRICS_INCOMPATIBLE, kWhy);
    reader::Reader reader(t.file());
    EXPECT_EQ(reader.look(), !for_readers);
    if (for_readers) {
      EXPECT_EQ(reader.why(), t.file() + kWhy);
    }
  }
}

TEST(Segment, ALaterMinorVersionIsJoined) {
  TempPath t;
  make_segment(t);
  const std::uint32_t minor = 7;
  write_at(t, offsetof(format::Header, minor), &minor, sizeof minor);
  make_segment(t);
  EXPECT_EQ(t.scraped("tasks"), 2u);
}

TEST(Segment, AHeaderWhosePartsDontFitIsRefused) {
  // Each with a value that would lead outside, overlap, or divide by zero.
  const std::vector<std::pair<std::size_t, std::uint64_t>> wrong = {
      {offsetof(format::Header, cells_per_slot), 0},
      {offsetof(format::Header, cells_per_slot), ~std::uint64_t{0}},
      {offsetof(format::Header, file_bytes), 1},
      {offsetof(format::Header, heads), 0},
      {offsetof(format::Header, heads), 4097},
      {offsetof(format::Header, index), ~std::uint64_t{0}},
      {offsetof(format::Header, index_buckets), 3},
      {offsetof(format::Header, index_buckets), std::uint64_t{1} << 62},
      {offsetof(format::Header, directory), 0},
      {offsetof(format::Header, directory_bytes), ~std::uint64_t{0} - 4095},
      {offsetof(format::Header, slots), 4096},
      {offsetof(format::Header, slot_bytes), 0},
      {offsetof(format::Header, slot_bytes), std::uint64_t{1} << 63}};
  TempPath whole;
  make_segment(whole);
  format::Header header{};
  const format::Descriptor fd(::open(whole.file().c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::pread(fd.get(), &header, sizeof header, 0), static_cast<ssize_t>(sizeof header));
  const std::uint64_t size = header.file_bytes;
  constexpr auto kPurpose = format::OpenFor::kReading;
  ASSERT_TRUE(format::check_header(header, size, kPurpose).geometry.has_value());
  for (const auto& [offset, value] : wrong) {
    format::Header copy{};
    std::memcpy(static_cast<void*>(&copy), &header, sizeof copy);
    std::memcpy(reinterpret_cast<char*>(&copy) + offset, &value, sizeof value);
    const auto checked = format::check_header(copy, size, kPurpose);
    EXPECT_FALSE(checked.geometry.has_value()) << offset << ' ' << value;
    EXPECT_EQ(checked.why, "has a header whose parts don't fit together") << offset << ' ' << value;
  }
}

}  // namespace
}  // namespace metrics::test
