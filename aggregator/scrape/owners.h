// owners.h -- whose segments are served.
//
// A directory like /dev/shm is open to all users: without a look at the owner, who is first to make
// a file of a service's name forges that service's metrics.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <string>
#include <vector>

namespace metrics::scrape {

class Owners {
 public:
  // Accepts the segments of this process's user and of root, of the group that workers share them
  // in (format/group.h), and of the users that are named here, by name or number. Throws
  // std::invalid_argument if there is no such user, and format::Error if there is no group
  // $METRICS_GROUP.
  explicit Owners(const std::vector<std::string>& named = {});

  // Returns why the file of that name, which was opened, is not served, as the rest of a sentence
  // that begins with its name; empty if it is. Nobody's file is served that anybody may write to.
  std::string refusal(const std::string& file, const struct stat& opened) const;

 private:
  std::vector<uid_t> users_;
};

// Returns the user's name, or its number if it has none.
std::string user_name(uid_t user);

}  // namespace metrics::scrape
