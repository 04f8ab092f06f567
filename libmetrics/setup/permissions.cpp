#include "libmetrics/setup/permissions.h"

#include <grp.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <system_error>
#include <vector>

#include "libmetrics/format/error.h"
#include "libmetrics/format/file.h"
#include "libmetrics/format/name.h"

namespace metrics::setup {

std::optional<gid_t> shared_group() {
  const char* name = format::environment("METRICS_GROUP");
  if (name == nullptr) return std::nullopt;
  gid_t gid = 0;
  const char* end = name + std::strlen(name);
  if (const auto [parsed, error] = std::from_chars(name, end, gid);
      error == std::errc{} && parsed == end) {
    return gid;
  }
  std::vector<char> buffer(65536);
  group entry{};
  group* found = nullptr;
  if (::getgrnam_r(name, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    throw format::Error(METRICS_INVALID,
                        std::string("$METRICS_GROUP is \"") + name +
                            "\", which is not a group here; write a group's name or number");
  }
  return found->gr_gid;
}

void check_owner(const std::string& file, const struct stat& info) {
  if (!S_ISREG(info.st_mode)) {
    throw format::Error(METRICS_INCOMPATIBLE, file + ' ' + format::not_a_segment(EISDIR));
  }
  const std::optional<gid_t> group = shared_group();
  const bool ours = info.st_uid == ::geteuid();
  const bool groups = group && info.st_gid == *group;
  if (!ours && !groups) {
    throw format::Error(
        METRICS_NO_PERMISSION,
        file + " belongs to user " + std::to_string(info.st_uid) + ", this process runs as " +
            std::to_string(::geteuid()) +
            "; set METRICS_SEGMENT to a path of its own, or METRICS_GROUP for both");
  }
  const bool others_write = (info.st_mode & S_IWOTH) != 0;
  const bool group_writes = (info.st_mode & S_IWGRP) != 0 && !groups;
  if (others_write || group_writes) {
    throw format::Error(METRICS_NO_PERMISSION,
                        file + " may be written by " + (others_write ? "anybody" : "its group") +
                            "; chmod it to 0600, or set METRICS_GROUP to its group");
  }
}

}  // namespace metrics::setup
