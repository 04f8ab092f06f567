// segments.h -- finds and reads the segments that are served, and logs their changes.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aggregator/scrape/combine.h"
#include "aggregator/scrape/own_metrics.h"
#include "libmetrics/format/layout.h"
#include "libmetrics/reader/merge.h"

namespace metrics::scrape {

// For one thread at a time.
class Segments {
 public:
  // `given` holds paths as users give them, of segments or of directories with segments in them; if
  // it is empty, the default segment is served. The paths need not exist yet. With more than one
  // path, or with a directory, series get a label `segment`: from the moment a path turns out to be
  // a directory, or at once if it ends with '/'.
  Segments(std::vector<std::string> given, reader::Access access);

  // Reads the segments as they are now. Logs when a segment becomes unreadable, when the reason for
  // that changes, and when it can be read again.
  void read();

  // Return what the last read() found: the state of each segment, and its families with the value
  // of their label `segment`. Valid until the next read().
  const std::vector<SegmentState>& states() const noexcept { return states_; }
  std::vector<Source> sources() const;

 private:
  struct Served {
    Served(std::string file, reader::Access access) : merge(std::move(file), access) {}
    reader::SegmentMerge merge;
    // The last logged reason why it can't be read; "" after "serving"; nullopt before either.
    std::optional<std::string> logged;
    std::size_t faults = 0;
    std::array<bool, static_cast<std::size_t>(format::Drop::kCount)> dropped{};  // true: logged
    std::vector<SegmentState::Hidden> hidden;  // what was logged last
  };
  void find();
  static void log_changes(Served& served, const std::string& why,
                          const std::vector<SegmentState::Hidden>& hidden);
  static void log_hidden(Served& served, const std::vector<SegmentState::Hidden>& hidden);

  const std::vector<std::string> given_;
  const reader::Access access_;
  bool labelled_;
  std::map<std::string, std::unique_ptr<Served>> served_;  // by file
  std::vector<SegmentState> states_;                       // of served_, in its order
};

}  // namespace metrics::scrape
