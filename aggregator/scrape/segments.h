// segments.h -- finds and reads the segments that are served, and logs their changes.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "aggregator/scrape/combine.h"
#include "aggregator/scrape/expiry.h"
#include "aggregator/scrape/own_metrics.h"
#include "aggregator/scrape/owners.h"
#include "libmetrics/format/layout.h"
#include "libmetrics/reader/limits.h"
#include "libmetrics/reader/merge.h"
#include "libmetrics/reader/parts.h"

namespace metrics::scrape {

// Whether an exposition shows exemplars. To read them takes time, which others are spared.
enum class Exemplars { kNone, kAll };

// For one thread at a time.
class Segments {
 public:
  static constexpr std::chrono::seconds kPatience{5};

  // `given` holds paths as users give them, of segments or of directories with segments in them; if
  // it is empty, the default segment is served. The paths need not exist yet. With more than one
  // path, or with a directory, series get a label `segment`: from the moment a path turns out to be
  // a directory, or at once if it ends with '/'. Segments of other owners are not read. `patience`
  // is how long one read() of several segments goes on reading what has changed: the largest wait,
  // and are told so. `expire_after` is that of Expiry, which each segment has.
  Segments(std::vector<std::string> given, reader::Access access, Owners owners,
           std::chrono::milliseconds patience = kPatience,
           Expiry::Clock::duration expire_after = {});

  // From now on, each segment is read by as many threads.
  void use(reader::Threads threads);

  // Reads the segments as they are now. Logs when a segment becomes unreadable, when the reason for
  // that changes, and when it can be read again.
  //
  // What they cost is bounded for all of them together (reader/limits.h), and so are the files that
  // are open: other programs of the same directory can't take a segment's place.
  void read(Exemplars exemplars = Exemplars::kNone);

  // Return what the last read() found: the state of each segment, and its families with the value
  // of their label `segment`. Valid until the next read().
  const std::vector<SegmentState>& states() const noexcept { return states_; }
  std::vector<Source> sources() const;

 private:
  using Clock = reader::Allowance::Clock;
  struct Served {
    Served(std::string file, reader::Access access, reader::Admit admit,
           Expiry::Clock::duration expire_after)
        : merge(std::move(file), access, std::move(admit)), expiry(expire_after) {}
    reader::SegmentMerge merge;
    Expiry expiry;
    bool up = false;            // could be read the last time
    std::string why;            // it could not be; empty if it was not tried yet
    Clock::duration spent{};    // on reading it, in this read()
    Clock::time_point again{};  // when it may be tried again, beside others
    // The last logged reason why it can't be read; "" after "serving"; nullopt before either.
    std::optional<std::string> logged;
    std::size_t faults = 0;
    std::array<bool, static_cast<std::size_t>(format::Drop::kCount)> dropped{};  // true: logged
    std::vector<SegmentState::Hidden> hidden;  // what was logged last
  };
  void find();
  std::vector<Served*> examined();
  void read_each(Exemplars exemplars);
  std::string owner_of(const Served& served);
  void log_neighbours();
  void log_changes(Served& served, const std::vector<SegmentState::Hidden>& hidden);
  static void log_hidden(Served& served, const std::vector<SegmentState::Hidden>& hidden);

  const bool is_default_;  // no path was given
  const std::vector<std::string> given_;
  const reader::Access access_;
  const Owners owners_;
  const std::chrono::milliseconds patience_;
  const Expiry::Clock::duration expire_after_;
  const std::size_t most_open_;  // files; see .cpp
  reader::Threads threads_;
  std::map<uid_t, std::string> owner_names_;
  bool labelled_;
  std::size_t lines_ = 0;  // logged about segments that can't be read, in this read()
  bool looked_for_neighbours_ = false;
  std::set<std::string> neighbours_;                       // files that were logged
  std::map<std::string, std::unique_ptr<Served>> served_;  // by file
  std::vector<SegmentState> states_;                       // of served_, in its order
};

}  // namespace metrics::scrape
