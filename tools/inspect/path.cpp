#include "tools/inspect/path.h"

#include <filesystem>
#include <system_error>
#include <vector>

#include "libmetrics/format/error.h"
#include "libmetrics/format/name.h"
#include "tools/inspect/output.h"

namespace metrics::inspect {
namespace {

std::string what_to_write(const std::string& directory) {
  const std::vector<std::string> files = format::segment_files_in(directory);
  if (files.empty()) return "no segment is in it (yet)";
  const std::string& first = files.front();
  return "write e.g. --segment=" + first.substr(0, first.size() - format::segment_ending().size()) +
         (files.size() > 1 ? "; 'ls' lists all " + std::to_string(files.size()) : "");
}

}  // namespace

std::string segment_at(const std::string& path) {
  const std::string given = path.empty() ? format::segment_variable() : path;
  std::error_code error;
  if (given.empty() || !std::filesystem::is_directory(given, error)) {
    return format::segment_file(path);
  }
  // A segment may stand beside a directory of its name.
  if (!given.ends_with('/')) {
    std::string file = format::segment_file(path);
    if (std::filesystem::exists(file, error)) return file;
  }
  throw format::Error(METRICS_INVALID,
                      (path.empty() ? "$METRICS_SEGMENT is " + given + ", a directory; "
                                    : given + " is a directory; ") +
                          what_to_write(given));
}

std::vector<std::string> segments_at(const std::string& path) {
  std::error_code error;
  std::string directory = path.empty() ? format::segment_variable() : path;
  if (!std::filesystem::is_directory(directory, error)) {
    if (!path.empty()) return {format::segment_file(path)};
    directory = std::filesystem::path(format::segment_file(path)).parent_path().native();
  }
  std::vector<std::string> files = format::segment_files_in(directory);
  if (files.empty()) complain("there are no segments in " + directory + " (yet)");
  return files;
}

}  // namespace metrics::inspect
