#include "libmetrics/format/access.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "libmetrics/format/error.h"
#include "libmetrics/format/file.h"
#include "libmetrics/format/name.h"

namespace metrics::format {
namespace {

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

// Returns "the directory D belongs to ..." for the lowest directory on the file's path that this
// process can look at: it has no permission to look into that one.
std::string closed_directory(const std::string& file) {
  std::string directory = directory_of(file);
  struct stat info {};
  while (::stat(directory.c_str(), &info) != 0 && directory != "/") {
    directory = directory_of(directory);
  }
  return "the directory " + directory + ' ' + belonging(info);
}

std::string why_forbidden(const std::string& file) {
  struct stat info {};
  if (::lstat(file.c_str(), &info) != 0) {
    return closed_directory(file) + "; let it into that directory, or choose another path";
  }
  const bool groups = (info.st_mode & S_IRGRP) != 0;
  return "it " + belonging(info) +
         (groups
              ? "; run it as that user or in that group"
              : "; run it as that user, or set METRICS_GROUP, to a group that both users are in, "
                "before the segment is created");
}

// Returns the path that a user has given if that is a file, which they may have copied or renamed;
// else an empty one.
std::string without_ending(const std::string& file) {
  const std::string ending = segment_ending();
  if (!file.ends_with(ending)) return "";
  std::string path = file.substr(0, file.size() - ending.size());
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) ? path : "";
}

}  // namespace

std::string belonging(const struct stat& info) {
  std::array<char, 8> mode{};
  std::snprintf(mode.data(), mode.size(), "%04o", static_cast<unsigned>(info.st_mode & 07777));
  return "belongs to user " + std::to_string(info.st_uid) + " and group " +
         std::to_string(info.st_gid) + ", mode " + mode.data() +
         ", and this process runs as user " + std::to_string(::geteuid());
}

std::string why_unopened(const std::string& file, int error) {
  if (const char* why = not_a_segment(error); why != nullptr) return why;
  if (error == ENOENT) {
    const std::string path = without_ending(file);
    return path.empty()
               ? "does not exist (yet): no worker has created it"
               : "does not exist, but " + path + " does: the name of a segment's file ends with " +
                     segment_ending() + "; rename it";
  }
  const std::string why = "can't be opened: " + system_text(error);
  return error == EACCES || error == EPERM ? why + ": " + why_forbidden(file) : why;
}

std::string why_uncreated(const std::string& file) {
  if (::faccessat(AT_FDCWD, directory_of(file).c_str(), W_OK | X_OK, AT_EACCESS) == 0) return "";
  return closed_directory(file) + "; set METRICS_SEGMENT to a path where it may create files";
}

}  // namespace metrics::format
