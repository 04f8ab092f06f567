#include "aggregator/scrape/scrape.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "aggregator/log.h"
#include "libmetrics/format/drops.h"
#include "libmetrics/format/name.h"
#include "libmetrics/format/types.h"
#include "libmetrics/format/utf8.h"

namespace metrics::scrape {
namespace {

// Prometheus gives up after ten seconds unless told otherwise.
constexpr std::chrono::seconds kSlow{1};

// Of the bodies that are kept for the next ones: how many, and above which size only one.
constexpr std::size_t kKeptBodies = 4;
constexpr std::size_t kLargeBody = std::size_t{1} << 20;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// One that is yet to come is known by its last character.
bool is_directory(const std::string& path) {
  std::error_code error;
  return path.ends_with('/') || std::filesystem::is_directory(path, error);
}

// What users call a segment: its path without the format's version. As a label's value it has to be
// UTF-8, which a path need not be.
std::string name_of(const std::string& file) {
  const std::string ending = format::segment_ending();
  return format::valid_utf8(file.ends_with(ending)
                                ? std::string_view(file).substr(0, file.size() - ending.size())
                                : file);
}

// Those that have one of the names, or a sample that has.
reader::Families chosen(const reader::Families& all, const std::vector<std::string>& names) {
  reader::Families some;
  some.shape = reader::new_shape();
  some.values = all.values;
  for (const reader::Family& family : all.families) {
    const auto samples = format::sample_names(family.type, family.name);
    if (std::find_first_of(samples.begin(), samples.end(), names.begin(), names.end()) !=
        samples.end()) {
      some.families.push_back(family);
    }
  }
  return some;
}

const char* what_was_dropped(format::Dropped what) {
  switch (what) {
    case format::Dropped::kUpdate:
      return "updates were dropped; see metrics_segment_dropped_updates_total";
    case format::Dropped::kSeries:
      return "families or series were refused; see metrics_segment_dropped_series_total";
    case format::Dropped::kClaim:
      break;
  }
  return "processes or threads have no slot of their own: they count in the shared one, and have "
         "no gauges; see metrics_segment_dropped_slot_claims_total";
}

void log_duration(double seconds, std::size_t bytes, std::size_t segments) {
  const bool slow = seconds >= std::chrono::duration<double>(kSlow).count();
  (slow ? aggregator::log_warn : aggregator::log_debug)(slow ? "scrape was slow" : "scrape",
                                                        {{"seconds", std::to_string(seconds)},
                                                         {"bytes", std::to_string(bytes)},
                                                         {"segments", std::to_string(segments)}});
}

}  // namespace

Scrape::Scrape(std::vector<std::string> segments, reader::Access access)
    : given_(segments.empty() ? std::vector<std::string>{""} : std::move(segments)),
      access_(access),
      labelled_(given_.size() > 1) {}

// Directories are looked through anew each time: segments come and go.
void Scrape::find_segments() {
  std::vector<std::string> files;
  for (const std::string& path : given_) {
    if (!path.empty() && is_directory(path)) {
      labelled_ = true;
      const auto found = format::segment_files_in(path);
      files.insert(files.end(), found.begin(), found.end());
      // One that can't be listed is told as a segment that can't be read: its reason is the same.
      if (::access(path.c_str(), R_OK | X_OK) != 0) files.push_back(path);
    } else {
      files.push_back(format::segment_file(path));
    }
  }
  std::erase_if(served_, [&](const auto& entry) {
    const bool gone = std::find(files.begin(), files.end(), entry.first) == files.end();
    if (gone) aggregator::log_info("segment is gone", {{"segment", entry.first}});
    return gone;
  });
  for (const std::string& file : files) {
    if (!served_.contains(file)) served_.emplace(file, std::make_unique<Served>(file, access_));
  }
}

void Scrape::log_changes(Served& served, const std::string& why) {
  if (served.logged != why) {
    if (why.empty()) {
      aggregator::log_info("serving", {{"segment", served.merge.file()}});
    } else {
      aggregator::log_warn("segment can't be read",
                           {{"segment", served.merge.file()}, {"reason", why}});
    }
    served.logged = why;
  }
  const std::size_t faults =
      why.empty() ? served.merge.reader().catalogue()->faults.size() : served.faults;
  if (faults > served.faults) {
    aggregator::log_warn("segment's directory has faults; what they concern is left out",
                         {{"segment", served.merge.file()},
                          {"faults", std::to_string(faults)},
                          {"first", served.merge.reader().catalogue()->faults.front()}});
  }
  served.faults = faults;
  if (!why.empty()) return;
  // Once for each reason: counters tell how often.
  for (const format::DropReason& r : format::kDropReasons) {
    const auto i = static_cast<std::size_t>(r.drop);
    if (served.dropped[i] || served.merge.reader().usage().dropped[i] == 0) continue;
    served.dropped[i] = true;
    aggregator::log_warn(what_was_dropped(r.what),
                         {{"segment", served.merge.file()}, {"reason", std::string(r.reason)}});
  }
}

void Scrape::read_segments() {
  find_segments();
  states_.clear();
  for (auto& [file, served] : served_) {
    const bool up = served->merge.read();
    const std::string why = up ? "" : served->merge.why();
    log_changes(*served, why);
    states_.push_back({name_of(file), up, format::valid_utf8(why), &served->merge.reader()});
  }
}

void Scrape::look() {
  const std::lock_guard lock(mutex_);
  read_segments();
}

// Its bytes are what a former one held. It comes back when its last owner lets it go, if it is
// worth keeping.
std::shared_ptr<std::string> Scrape::new_body() {
  std::unique_ptr<std::string> body;
  {
    const std::lock_guard lock(bodies_->mutex);
    if (!bodies_->free.empty()) {
      body = std::move(bodies_->free.back());
      bodies_->free.pop_back();
    } else {
      bodies_->free.reserve(kKeptBodies);  // so that giving one back can't fail
    }
  }
  if (body == nullptr) body = std::make_unique<std::string>();
  return {body.release(), [bodies = bodies_](std::string* done) {
            std::unique_ptr<std::string> kept(done);
            const std::lock_guard lock(bodies->mutex);
            const std::size_t room = kept->capacity() <= kLargeBody ? kKeptBodies : 1;
            if (bodies->free.size() < room) bodies->free.push_back(std::move(kept));
          }};
}

std::shared_ptr<const std::string> Scrape::exposition(Encoding encoding,
                                                      const std::vector<std::string>& names) {
  const std::lock_guard lock(mutex_);
  const auto start = Clock::now();
  read_segments();
  // Ours first: what a segment says under our names is left out, never the other way round.
  std::vector<Source> sources = {{&own_.collect(states_, seconds_since(start)), "", true}};
  for (const auto& [file, served] : served_) {
    sources.push_back({&served->merge.families(), labelled_ ? name_of(file) : ""});
  }
  const reader::Families& families = combine_(sources);
  if (combine_.left_out() != left_out_) {
    left_out_ = combine_.left_out();
    for (const std::string& what : left_out_) aggregator::log_warn(what);
  }
  const std::shared_ptr<std::string> body = new_body();
  if (names.empty()) {
    encoder_.replace(families, *body);
  } else {
    exposition::TextEncoder().replace(chosen(families, names), *body);
  }
  if (encoding == Encoding::kGzip) *body = gzip_.compress(*body);
  log_duration(seconds_since(start), body->size(), states_.size());
  return body;
}

}  // namespace metrics::scrape
