// ledger.h -- what writers acknowledge, outside of the segment, and the comparison with what a
// scrape shows.
//
// Before an update the writer notes it as begun, after it has returned as done. Both are in memory
// that survives any writer. So at any moment, read in this order: done <= scraped <= begun. Less is
// lost, more is counted twice.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "libmetrics/reader/merge.h"
#include "metrics/metrics.hpp"
#include "tests/torture/processes.h"
#include "tests/torture/run.h"

namespace metrics::torture {

// One series of each kind for each key; kinds as columns.
enum class Column : unsigned {
  kWhole,    // counter, whole numbers
  kPart,     // counter, quarters
  kBucket0,  // histogram's buckets
  kBucket1,
  kBucket2,
  kBucket3,
  kHistogramSum,  // in quarters
  kSummary,
  kSummarySum,  // in quarters
  kGauge,       // of mode sum, added to
  kCount
};
inline constexpr std::size_t kColumns = static_cast<std::size_t>(Column::kCount);

struct Ledger {
  static constexpr std::size_t kKeys = 2048;
  std::atomic<std::uint64_t> begun[kKeys][kColumns];
  std::atomic<std::uint64_t> done[kKeys][kColumns];
  std::atomic<std::uint64_t> updates;          // that have returned
  std::atomic<std::uint64_t> first_key, keys;  // of which writers choose now
};

// A writer's families and series, as a program has them.
class Books {
 public:
  Books(Ledger& ledger, const std::string& path, const Geometry& geometry);
  // One update of a random kind to a random key, noted.
  void update(std::mt19937_64& random);
  // One of that kind.
  void update(std::size_t key, unsigned kind, std::uint64_t amount);
  static constexpr unsigned kKinds = 5;

 private:
  Ledger& ledger_;
  Segment segment_;
  Family<Counter> whole_, part_;
  Family<Histogram> histogram_;
  Family<Summary> summary_;
  Family<metrics::Gauge> gauge_;
};

// What a scrape shows of such a ledger.
class Audit {
 public:
  Audit(const Ledger& ledger, const std::string& file)
      : ledger_(ledger), merge_(file), verified_(file) {}

  // Scrapes and compares all of it, and has the segment verified. Every difference is a fault.
  // quiet: nobody writes at the moment.
  void operator()(Run& run, bool quiet);
  reader::SegmentMerge& merge() { return merge_; }
  std::uint64_t in_flight() const { return in_flight_; }  // begun, but not done, when it was quiet

 private:
  const Ledger& ledger_;
  reader::SegmentMerge merge_;
  reader::Reader verified_;
  std::uint64_t in_flight_ = 0;
};

// What verify says of that file.
std::vector<std::string> faults_of(const std::string& file);

// The mode's own figures of a segment, without a ledger: throws std::runtime_error if it can't be
// read.
class Look {
 public:
  explicit Look(const std::string& file);
  // Whole part of a counter, or count of a histogram or summary; 0 if there is none.
  std::uint64_t count(const std::string& name, const std::vector<std::string>& labels = {}) const;
  double value(const std::string& name, const std::vector<std::string>& labels = {}) const;
  bool has(const std::string& name, const std::vector<std::string>& labels = {}) const;
  // Those of the first series of a family.
  std::vector<reader::Exemplar> exemplars(const std::string& name) const;
  // Every sample of a gauge: its last label's value ("" if none) and its value.
  std::vector<std::pair<std::string, double>> samples(const std::string& name) const;
  const std::vector<std::string>& faults() const { return catalogue_->faults; }
  const reader::Usage& usage() const { return usage_; }
  std::uint64_t dropped(format::Drop reason) const {
    return usage_.dropped[static_cast<std::size_t>(reason)];
  }
  format::Ownership owner(format::SlotIndex slot) const { return merge_->reader().owner(slot); }
  // How many first slots have an owner. A dead one's is free a moment later if another process
  // still holds its memory: a child of posix_spawn() that has not executed its program yet, or a
  // reader of /proc/PID.
  std::size_t owned() const;
  std::vector<reader::HeadCopy> heads() const {
    return merge_->reader().heads(merge_->reader().used_slots().back());
  }

 private:
  std::optional<reader::Series> find(const std::string& name,
                                     const std::vector<std::string>& labels,
                                     const reader::Family** family) const;
  std::unique_ptr<reader::SegmentMerge> merge_;
  std::shared_ptr<const reader::Catalogue> catalogue_;
  reader::Usage usage_{};
};

}  // namespace metrics::torture
