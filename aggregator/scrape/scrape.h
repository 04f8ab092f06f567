// scrape.h -- an exposition of some segments: read, merged, combined with the aggregator's own
// metrics, encoded.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "aggregator/exposition/gzip.h"
#include "aggregator/exposition/text.h"
#include "aggregator/scrape/combine.h"
#include "aggregator/scrape/own_metrics.h"
#include "libmetrics/format/layout.h"
#include "libmetrics/reader/merge.h"

namespace metrics::scrape {

class Scrape {
 public:
  enum class Encoding { kPlain, kGzip };

  // segments: paths as users give them, of segments or of directories with segments in them; empty:
  // the default segment. They need not exist yet. With more than one, or a directory, series get a
  // label `segment`: from the moment on that a path is seen to be a directory, or at once if it
  // ends with '/'.
  explicit Scrape(std::vector<std::string> segments,
                  reader::Access access = reader::Access::kCopied);

  // Reads the segments as an exposition does, to log what is there.
  void look();

  // The exposition as of now, in text format 0.0.4. Any thread; one is served at a time. A segment
  // that can't be read is left out, logged when that begins and when it ends, and told by
  // metrics_segment_up. With `names`, only families that have one of them, or a sample that has.
  // Throws std::bad_alloc.
  std::shared_ptr<const std::string> exposition(Encoding encoding,
                                                const std::vector<std::string>& names = {});

 private:
  struct Served {
    Served(std::string file, reader::Access access) : merge(std::move(file), access) {}
    reader::SegmentMerge merge;
    std::optional<std::string> logged;  // why it can't be read, empty if it can; nothing: not yet
    std::size_t faults = 0;
    std::array<bool, static_cast<std::size_t>(format::Drop::kCount)> dropped{};  // logged
  };
  // Bodies whose readers are done with them, for the next ones: making room for a body costs as
  // much as writing it.
  struct Bodies {
    std::mutex mutex;
    std::vector<std::unique_ptr<std::string>> free;
  };
  std::shared_ptr<std::string> new_body();
  void find_segments();
  void read_segments();
  static void log_changes(Served& served, const std::string& why);

  std::mutex mutex_;
  const std::vector<std::string> given_;
  const reader::Access access_;
  bool labelled_;
  std::map<std::string, std::unique_ptr<Served>> served_;  // by file
  std::vector<SegmentState> states_;                       // of served_, in its order
  Combine combine_;
  OwnMetrics own_;
  std::vector<std::string> left_out_;
  exposition::TextEncoder encoder_;
  exposition::Gzip gzip_;
  const std::shared_ptr<Bodies> bodies_ = std::make_shared<Bodies>();
};

}  // namespace metrics::scrape
