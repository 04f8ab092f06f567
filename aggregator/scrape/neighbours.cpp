#include "aggregator/scrape/neighbours.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>

#include "aggregator/scrape/owners.h"
#include "libmetrics/format/name.h"

namespace metrics::scrape {
namespace {

// Returns true for names as format::segment_file() makes them for a user: metrics-33.v2.
bool is_default_name(std::string_view name) {
  constexpr std::string_view kBeginning = "metrics-";
  const std::string ending = format::segment_ending();
  if (!name.starts_with(kBeginning) || !name.ends_with(ending)) return false;
  name.remove_prefix(kBeginning.size());
  name.remove_suffix(std::min(ending.size(), name.size()));
  return !name.empty() && name.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

std::vector<Neighbour> neighbours(const std::string& file) {
  constexpr int kMostEntries = 10'000;  // anybody may make files in /dev/shm
  std::vector<Neighbour> found;
  std::error_code error;
  auto entry =
      std::filesystem::directory_iterator(std::filesystem::path(file).parent_path(), error);
  for (int i = 0; i < kMostEntries && !error && found.size() < kMostNeighbours &&
                  entry != std::filesystem::directory_iterator();
       ++i, entry.increment(error)) {
    const std::string& path = entry->path().native();
    struct stat info {};
    if (path == file || !is_default_name(entry->path().filename().native()) ||
        ::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) {
      continue;
    }
    found.push_back({path, user_name(info.st_uid)});
  }
  std::sort(found.begin(), found.end(),
            [](const Neighbour& a, const Neighbour& b) { return a.file < b.file; });
  return found;
}

std::string living_commands(reader::Reader& reader) {
  constexpr format::SlotIndex kMostSlots = 64;
  const format::SlotIndex last = std::min(reader.usage().first_slots_used, kMostSlots);
  std::set<std::string> commands;
  for (const reader::HeadCopy& head : reader.heads(last)) {
    if (head.slot > 0 && reader.owner(head.slot).state == format::Ownership::State::kOwned) {
      commands.insert(head.command);
    }
  }
  std::string text;
  for (const std::string& command : commands) text.append(text.empty() ? "" : ", ").append(command);
  return text;
}

}  // namespace metrics::scrape
