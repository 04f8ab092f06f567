// own_metrics.h -- metrics about the aggregator itself and about the segments that it serves.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "aggregator/scrape/process_stats.h"
#include "libmetrics/reader/families.h"
#include "libmetrics/reader/families_builder.h"
#include "libmetrics/reader/reader.h"

namespace metrics::scrape {

struct SegmentState {
  std::string name;        // the label `segment`
  bool up;                 // could be read just now
  std::string why;         // it could not be read; empty if up
  reader::Reader* reader;  // with the result of that reading; used only if up
  std::string owner = {};  // the user's name, or number; empty if no file could be opened
  // Of each family that is hidden: the name and type of its last edition, and those of the family
  // that is served instead. Empty unless up.
  struct Hidden {
    std::string family, type, served, served_type;
    std::string escaping;  // as which names are escaped for servers that miss it; empty: all do
    friend bool operator==(const Hidden&, const Hidden&) = default;
  };
  std::vector<Hidden> hidden = {};
  std::size_t expired = 0;  // series that are not shown; see expiry.h
};

// Adds families whose shape is always the same.
using Describe = std::function<void(reader::FamiliesBuilder&)>;

// For one thread at a time.
class OwnMetrics {
 public:
  // From now on, collect() adds these families, too.
  void add(Describe more);

  // From now on, collect() leaves out the aggregator itself, except for its build.
  void leave_out_aggregator();

  // What the families are collected for: only expositions are counted.
  enum class Purpose { kExposition, kLook };

  // Returns the state of the process and of these segments as families. The shape stays the same as
  // long as the segments and their states do. scrape_seconds: how long reading and merging took.
  const reader::Families& collect(const std::vector<SegmentState>& segments, double scrape_seconds,
                                  Purpose purpose = Purpose::kExposition);

 private:
  struct SlotCounts {
    std::chrono::steady_clock::time_point counted;
    std::uint64_t id = 0;  // of the segment: another one of that name has other slots
    std::uint64_t live = 0, dead = 0, live_lanes = 0;
    std::uint64_t held_back = 0;  // removed series
  };
  const SlotCounts& slots_of(const SegmentState& segment);
  const ProcessStats& process();
  void describe_aggregator(reader::FamiliesBuilder& build,
                           const std::vector<SegmentState>& segments, double scrape_seconds);

  Describe more_;
  bool leaves_out_aggregator_ = false;
  reader::Families families_;
  // The segments that families_ describes, or empty while it is incomplete. Their readers may be
  // gone and are not used.
  std::optional<std::vector<SegmentState>> described_;
  ProcessStats process_;
  std::chrono::steady_clock::time_point process_seen_;
  std::map<std::string, SlotCounts> slots_;  // by segment's name
  std::uint64_t scrapes_ = 0;
};

}  // namespace metrics::scrape
