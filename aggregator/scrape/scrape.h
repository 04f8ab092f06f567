// scrape.h -- an exposition of some segments: read, merged, combined with the aggregator's own
// metrics, encoded.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "aggregator/exposition/formats.h"
#include "aggregator/exposition/gzip.h"
#include "aggregator/scrape/bodies.h"
#include "aggregator/scrape/combine.h"
#include "aggregator/scrape/own_metrics.h"
#include "aggregator/scrape/segments.h"

namespace metrics::scrape {

enum class Compression { kNone, kGzip };

class Scrape {
 public:
  // segments: as of Segments.
  explicit Scrape(std::vector<std::string> segments,
                  reader::Access access = reader::Access::kCopied);

  // Reads the segments as an exposition does, to log what is there.
  void look();

  // The exposition as of now, in one of exposition::formats(). Any thread; one is served at a time.
  // A segment that can't be read is left out, and metrics_segment_up shows it. With `names`, only
  // families that have one of them, or a sample that has. Throws std::bad_alloc.
  std::shared_ptr<const std::string> exposition(const exposition::Format& format,
                                                Compression compression,
                                                const std::vector<std::string>& names = {});

 private:
  exposition::Encode& encoder_of(const exposition::Format& format);

  std::mutex mutex_;
  Segments segments_;
  Combine combine_;
  OwnMetrics own_;
  std::vector<std::string> left_out_;
  std::vector<exposition::Encode> encoders_;  // by format; empty: not asked for yet
  exposition::Gzip gzip_;
  Bodies bodies_;
};

}  // namespace metrics::scrape
