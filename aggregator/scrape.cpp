#include "aggregator/scrape.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "aggregator/log.h"

namespace metrics::aggregator {
namespace {

bool is_directory(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

// What users call a segment: its path without the format's version.
std::string name_of(const std::string& file) {
  return file.substr(0, file.size() - core::segment_ending().size());
}

}  // namespace

Scrape::Scrape(std::vector<std::string> segments)
    : given_(segments.empty() ? std::vector<std::string>{""} : std::move(segments)),
      labelled_(given_.size() > 1 || std::any_of(given_.begin(), given_.end(), is_directory)) {}

// Directories are looked through anew each time: segments come and go.
void Scrape::find_segments() {
  std::vector<std::string> files;
  for (const std::string& path : given_) {
    if (!path.empty() && is_directory(path)) {
      const auto found = core::segment_files_in(path);
      files.insert(files.end(), found.begin(), found.end());
    } else {
      files.push_back(core::segment_file(path));
    }
  }
  std::erase_if(served_, [&](const auto& entry) {
    return std::find(files.begin(), files.end(), entry.first) == files.end();
  });
  for (const std::string& file : files) {
    if (!served_.contains(file)) served_.emplace(file, std::make_unique<Served>(file));
  }
}

void Scrape::note(Served& served, bool up) {
  if (up != served.was_up) {
    if (up) {
      log_info("segment can be read again", {{"segment", served.merge.file()}});
    } else {
      log_warn("segment can't be read",
               {{"segment", served.merge.file()}, {"reason", served.merge.why()}});
    }
    served.was_up = up;
  }
  const std::size_t faults = up ? served.merge.reader().catalogue()->faults.size() : 0;
  if (faults > served.faults) {
    log_warn("segment's directory has faults; what they concern is left out",
             {{"segment", served.merge.file()},
              {"faults", std::to_string(faults)},
              {"first", served.merge.reader().catalogue()->faults.front()}});
  }
  served.faults = faults;
}

std::shared_ptr<const std::string> Scrape::exposition(Encoding encoding) {
  const std::lock_guard lock(mutex_);
  const auto start = std::chrono::steady_clock::now();
  find_segments();
  std::vector<SegmentState> states;
  for (auto& [file, served] : served_) {
    const bool up = served->merge.read();
    note(*served, up);
    states.push_back({name_of(file), up, up ? "" : served->merge.why(), &served->merge.reader()});
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  // Ours first: what a segment says under our names is left out, never the other way round.
  std::vector<Source> sources = {{&own_.collect(states, taken.count()), ""}};
  for (const auto& [file, served] : served_) {
    sources.push_back({&served->merge.families(), labelled_ ? name_of(file) : ""});
  }
  const Families& families = combine_(sources);
  if (combine_.left_out() != left_out_) {
    left_out_ = combine_.left_out();
    for (const std::string& what : left_out_) log_warn(what);
  }
  auto body = std::make_shared<std::string>();
  body->reserve(last_size_);
  encoder_.encode(families, *body);
  last_size_ = std::max(last_size_, body->capacity());
  if (encoding == Encoding::kPlain) return body;
  return std::make_shared<const std::string>(gzip_.compress(*body));
}

std::vector<std::string> Scrape::files() {
  const std::lock_guard lock(mutex_);
  find_segments();
  std::vector<std::string> files;
  for (const auto& [file, served] : served_) files.push_back(file);
  return files;
}

}  // namespace metrics::aggregator
