#include "aggregator/scrape/owners.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <system_error>

#include "libmetrics/format/group.h"
#include "libmetrics/format/utf8.h"

namespace metrics::scrape {
namespace {

constexpr uid_t kRoot = 0;
constexpr std::size_t kEntryBytes = 65536;  // of an entry of the user database

uid_t user_of(const std::string& given) {
  uid_t user = 0;
  const char* end = given.data() + given.size();
  if (const auto [parsed, error] = std::from_chars(given.data(), end, user);
      error == std::errc{} && parsed == end) {
    return user;
  }
  std::vector<char> buffer(kEntryBytes);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwnam_r(given.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
      found == nullptr) {
    throw std::invalid_argument('"' + given +
                                "\" is not a user here; write a user's name or number");
  }
  return found->pw_uid;
}

}  // namespace

Owners::Owners(const std::vector<std::string>& named) : users_{::geteuid(), kRoot} {
  format::shared_group();  // throws now, at the start, if there is no such group
  for (const std::string& user : named) users_.push_back(user_of(user));
}

std::string Owners::refusal(const std::string& file, const struct stat& opened) const {
  const bool accepted = std::find(users_.begin(), users_.end(), opened.st_uid) != users_.end() ||
                        opened.st_gid == format::shared_group(file);
  if (!accepted) {
    const std::string owner = user_name(opened.st_uid);
    return "belongs to user " + owner + ", and this process runs as " + user_name(users_.front()) +
           "; if that user's metrics are to be served, add --segment.owner " + owner;
  }
  if ((opened.st_mode & S_IWOTH) != 0) {
    return "may be written by anybody, who could forge it; chmod it to 0600, or to 0660 for a "
           "group";
  }
  return "";
}

std::string user_name(uid_t user) {
  std::vector<char> buffer(kEntryBytes);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    return std::to_string(user);
  }
  return format::valid_utf8(found->pw_name);
}

}  // namespace metrics::scrape
