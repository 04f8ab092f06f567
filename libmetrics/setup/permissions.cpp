#include "libmetrics/setup/permissions.h"

#include <unistd.h>

#include <cerrno>
#include <optional>

#include "libmetrics/format/access.h"
#include "libmetrics/format/error.h"
#include "libmetrics/format/file.h"
#include "libmetrics/format/group.h"

namespace metrics::setup {

void check_owner(const std::string& file, const struct stat& info) {
  if (!S_ISREG(info.st_mode)) {
    throw format::Error(METRICS_INCOMPATIBLE, file + ' ' + format::not_a_segment(EISDIR));
  }
  const std::optional<gid_t> group = format::shared_group(file);
  const bool ours = info.st_uid == ::geteuid();
  const bool groups = group && info.st_gid == *group;
  if (!ours && !groups) {
    throw format::Error(
        METRICS_NO_PERMISSION,
        file + ' ' + format::belonging(info) +
            "; set METRICS_SEGMENT to a path of its own, or METRICS_GROUP, for both, to a group "
            "that both users are in");
  }
  const bool others_write = (info.st_mode & S_IWOTH) != 0;
  const bool group_writes = (info.st_mode & S_IWGRP) != 0 && !groups;
  if (others_write || group_writes) {
    throw format::Error(METRICS_NO_PERMISSION,
                        file + " may be written by " + (others_write ? "anybody" : "its group") +
                            ": it " + format::belonging(info) +
                            "; chmod it to 0600, or set METRICS_GROUP to its group");
  }
}

}  // namespace metrics::setup
