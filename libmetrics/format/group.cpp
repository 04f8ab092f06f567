#include "libmetrics/format/group.h"

#include <grp.h>
#include <sys/stat.h>

#include <charconv>
#include <cstring>
#include <string>
#include <system_error>
#include <vector>

#include "libmetrics/format/error.h"
#include "libmetrics/format/file.h"
#include "libmetrics/format/name.h"

namespace metrics::format {

std::optional<gid_t> shared_group() {
  const char* name = environment("METRICS_GROUP");
  if (name == nullptr) return std::nullopt;
  gid_t gid = 0;
  const char* end = name + std::strlen(name);
  if (const auto [parsed, error] = std::from_chars(name, end, gid);
      error == std::errc{} && parsed == end) {
    return gid;
  }
  const StandardDescriptorsKept kept;  // the user database may open files, and sockets
  std::vector<char> buffer(65536);
  group entry{};
  group* found = nullptr;
  if (::getgrnam_r(name, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    refuse(std::string("$METRICS_GROUP is \"") + name +
           "\", which is not a group here; write a group's name or number");
  }
  return found->gr_gid;
}

std::optional<gid_t> shared_group(const std::string& file) {
  if (const auto group = shared_group()) return group;
  const std::string folder = file.substr(0, file.rfind('/') + 1);
  struct stat info {};
  if (::stat(folder.empty() ? "." : folder.c_str(), &info) != 0) return std::nullopt;
  constexpr mode_t kForAGroup = S_ISGID | S_IWGRP;
  const bool for_a_group = (info.st_mode & (kForAGroup | S_IWOTH)) == kForAGroup;
  return for_a_group ? std::optional(info.st_gid) : std::nullopt;
}

}  // namespace metrics::format
