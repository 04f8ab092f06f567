#include "libmetrics/format/name.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <system_error>

#include "libmetrics/format/error.h"
#include "libmetrics/format/layout.h"

namespace metrics::format {

const char* environment(const char* name) {
  const char* value = ::secure_getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

std::string segment_ending() { return ".v" + std::to_string(kMajor); }

std::string segment_variable() {
  const char* given = environment("METRICS_SEGMENT");
  return given != nullptr ? given : "";
}

std::string segment_file(const std::string& path) {
  std::string file = path.empty() ? segment_variable() : path;
  if (file.empty()) file = "/dev/shm/metrics-" + std::to_string(::geteuid());
  if (file.front() != '/') {
    const std::unique_ptr<char, decltype(&std::free)> here(::get_current_dir_name(), &std::free);
    if (here == nullptr) fail(errno, "can't make the segment's path " + file + " absolute");
    file = std::string(here.get()) + '/' + file;
  }
  if (file.back() == '/') {
    refuse("segment path " + file + " is a directory; add a file's name");
  }
  if (!file.ends_with(segment_ending())) file += segment_ending();
  return file;
}

std::vector<std::string> segment_files_in(const std::string& directory) {
  std::vector<std::string> files;
  std::error_code error;
  for (auto entry = std::filesystem::directory_iterator(directory, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (entry->path().native().ends_with(segment_ending())) files.push_back(entry->path().native());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace metrics::format
