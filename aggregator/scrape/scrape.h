// scrape.h -- makes an exposition of some segments: reads and merges them, adds the aggregator's
// own metrics, encodes the result.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "aggregator/exposition/formats.h"
#include "aggregator/exposition/gzip.h"
#include "aggregator/scrape/bodies.h"
#include "aggregator/scrape/combine.h"
#include "aggregator/scrape/own_metrics.h"
#include "aggregator/scrape/owners.h"
#include "aggregator/scrape/rounds.h"
#include "aggregator/scrape/segments.h"
#include "libmetrics/format/escaping.h"

namespace metrics::scrape {

enum class Compression { kNone, kGzip };

class Scrape {
 public:
  // The arguments are those of Segments.
  explicit Scrape(std::vector<std::string> segments,
                  reader::Access access = reader::Access::kCopied, Owners owners = Owners(),
                  Expiry::Clock::duration expire_after = {});

  // What there is to serve.
  struct Seen {
    std::size_t segments = 0;    // that could be read
    std::size_t unreadable = 0;  // that could not
    std::size_t series = 0;      // of those that could
  };

  // Reads the segments as exposition() does, so that their state is logged, and returns what it
  // found. Waits for the exposition under way.
  Seen look();

  // What the segments hold at one moment.
  struct View {
    const reader::Families& families;  // those of an exposition, the aggregator's own ones first
    std::size_t own;                   // how many of them are the aggregator's own
    const std::vector<SegmentState>& segments;
  };

  // Reads the segments as exposition() does, and returns what `make` makes of them: for questions
  // that no exposition answers. As there, threads that wait with the same key get the same answer;
  // the key must tell `exemplars`, too, which the view has only if it is kAll. `make` must not call
  // this object; the view, with all that it leads to, is valid until it returns. Throws what `make`
  // throws.
  std::shared_ptr<const std::string> answer(const std::string& key, Compression compression,
                                            const std::function<std::string(const View&)>& make,
                                            Exemplars exemplars = Exemplars::kNone);

  // Adds families to the aggregator's own, from now on. They must not call this object.
  void describe_also(Describe more);

  // Leaves out the metrics of the aggregator itself, except for its build, from now on.
  void leave_out_aggregator();

  // From now on, threads share what takes long: as many as may, and the bytes are the same.
  void use(reader::Threads threads);

  // Returns the exposition of the segments as they are now, in one of exposition::formats(), with
  // these options. Any thread may call it; one makes it at a time, also for those that wait for the
  // same. A segment that can't be read is left out, and metrics_segment_up shows it. With `names`,
  // only the families are included that have one of these names, or a sample with one. Throws
  // std::bad_alloc.
  std::shared_ptr<const std::string> exposition(const exposition::Format& format,
                                                Compression compression,
                                                const std::vector<std::string>& names = {},
                                                const exposition::Options& options = {});

 private:
  // An encoder that keeps the parts of its exposition that stay the same.
  struct Kept {
    exposition::Encode (*make_encoder)(const exposition::Options&);
    exposition::Options options;
    exposition::Encode encode;
  };

  exposition::Encode& encoder_of(const exposition::Format& format,
                                 const exposition::Options& options);

  std::shared_ptr<const std::string> make(const exposition::Format& format, Compression compression,
                                          const std::vector<std::string>& names,
                                          exposition::Options options);

  // Reads the segments, and returns their families and the aggregator's own ones.
  View view(Exemplars exemplars, OwnMetrics::Purpose purpose);

  Rounds rounds_;  // its turns guard all that follows
  Segments segments_;
  reader::Threads threads_;
  Combine combine_;
  OwnMetrics own_;
  std::vector<std::string> left_out_;
  // By escaping, the shape of the families whose names were looked at; and what was logged of them.
  std::map<format::Escaping, std::uint64_t> names_known_;
  std::set<std::string> logged_;
  std::vector<Kept> encoders_;  // the one that was used last is the last
  exposition::Gzip gzip_;
  Bodies bodies_;
};

}  // namespace metrics::scrape
