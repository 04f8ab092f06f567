// limits.h -- bounds the memory and time that segments may cost their reader.
//
// A few forged bytes in a sparse file must not cost more than the reader has, and one user's files
// must not take from another's. So what a segment costs is paid by the space that its file takes,
// and only what it costs beyond that comes from an allowance that all segments of a scrape share.
// A segment whose space pays for it is read whatever else there is to read. All costs are in bytes
// of memory; time goes with them.
//
// What real programs cost is far below what their space pays for: all that is copied of a segment
// was reserved when it was made, and a counter takes 130 bytes of the directory and a page's share
// in each slot, and costs about a thousand.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "libmetrics/format/editions.h"
#include "libmetrics/reader/contents.h"
#include "libmetrics/reader/seeded.h"

namespace metrics::reader {

// What reading a segment costs, in bytes.
struct Cost {
  std::uint64_t copy = 0;        // of the parts that are copied at once: directory, index, heads
  std::uint64_t exposition = 0;  // of its text, and of what describes its series
};

// What a cost exceeds that a file of so much space pays for.
Cost excess_of(const Cost& cost, std::uint64_t space_taken) noexcept;

// What all segments of a scrape may cost together, beyond what the space of each pays for, and the
// time that they have. Callers take first for the segments that need the least of it.
class Allowance {
 public:
  using Clock = std::chrono::steady_clock;
  Allowance() = default;
  // From `deadline` on, what is under way is broken off, and nothing more is read.
  explicit Allowance(Clock::time_point deadline) : deadline_(deadline) {}
  bool is_over() const noexcept { return Clock::now() >= deadline_; }
  // What a segment is told that is not read for it: the rest of a sentence.
  static constexpr const char* kTooLate =
      "takes too long to read beside the others; serve it by an aggregator of its own";

  // Takes what a segment costs beyond its space. If too little is left, takes nothing and returns
  // the rest of a sentence that begins with the file's name; else returns an empty string.
  std::string take(const Cost& cost, std::uint64_t space_taken);
  // Returns what take() would return, and takes nothing.
  std::string lacks(const Cost& cost, std::uint64_t space_taken) const;

 private:
  // Enough for a copy of a segment whose zeros are holes; and for a segment that takes little space
  // and shows much: 64 bounds and long labels, or gauges that each of a thousand processes has set.
  Cost left_ = {4 << 20, 256 << 20};
  Clock::time_point deadline_ = Clock::time_point::max();
};

// Bounds what is read of slots at once. Data is what the file takes, unless a file system does not
// tell holes from data. Returns the rest of a sentence that begins with the file's name, empty if
// the segment is within the bound.
std::string excess_of_data(std::uint64_t bytes, std::uint64_t space_taken);

// Returns what a series with that number of samples costs in an exposition. Each sample repeats the
// labels of the series.
std::uint64_t cost_of_series(const format::FamilyView& family, const format::SeriesView& series,
                             std::uint64_t samples);

// Returns what a sample of a series of processes costs; of a state set, what one of each of these
// states costs, each with its own series and label.
std::uint64_t cost_of_sample(const format::FamilyView& family, const format::SeriesView& series,
                             std::span<const std::string_view> states);

// What series cost, except for those of processes: their samples are known only when slots are
// read. A family's last edition decides how many buckets all its series have.
class SumCosts {
 public:
  // Both must stay as long as this object.
  SumCosts(const Contents& contents, std::span<const format::Group> groups);

  // Returns what a live series among the contents' costs; and what all of them do.
  std::uint64_t of(const format::SeriesView& series) const;
  std::uint64_t of_all() const;

 private:
  struct OfFamily {
    std::uint64_t samples;  // of each of its series; 0: not shown, or of processes
    std::uint64_t counts;   // of each of them in native histograms, its own and those shown
    std::uint64_t line;     // bytes of a sample, without the values of labels
  };
  const Contents& contents_;
  std::unordered_map<format::Offset, OfFamily, Seeded> families_;
};

}  // namespace metrics::reader
