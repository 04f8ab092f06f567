// lives.h -- what is acknowledged for each life of a series, outside of the segment: from its
// registration to its removal.
//
// A series that is made again with the same labels is another life. Each life has a prime, and only
// multiples of that are ever counted in it. So a count that shows in another life than its own is
// seen, whichever of the two the reader finds: what is shown is no multiple then.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "libmetrics/reader/merge.h"
#include "metrics/metrics.hpp"
#include "tests/torture/run.h"

namespace metrics::torture {

// As in ledger.h: of updates, done <= shown <= begun.
struct Updates {
  std::atomic<std::uint64_t> begun, done;
};

enum class Kind { kCounter, kShort, kLong, kGauge };  // histograms with few bounds, and with many
inline constexpr unsigned kKinds = 4;

// Where one series lives at a time.
struct Place {
  std::atomic<std::uint64_t> now;  // the number of the life << 1, and 1 while it is surely there
};

struct Lives {
  static constexpr std::uint64_t kMost = 1 << 18;
  // The last role has no places: its series are everybody's.
  static constexpr unsigned kExporters = 2, kWorkers = 2, kRoles = kExporters + kWorkers + 1;
  static constexpr unsigned kPlaces = 8;  // of each role
  static constexpr unsigned kShared = 4;

  struct Life {
    Updates updates;
    std::atomic<std::uint32_t> place;  // counted through all roles
  };
  std::atomic<std::uint64_t> last;  // number of a life
  std::array<Life, kMost> lives;
  std::array<Place, kRoles * kPlaces> places;
  // What all processes share: series that nobody removes, and others, whose updates get lost when
  // they are removed.
  std::array<Updates, kShared> stays, comes_and_goes;
  std::atomic<std::uint64_t> updates;  // that have returned
};

// The prime of a life; and those of what all processes share.
std::uint64_t prime_of(std::uint64_t life);
std::uint64_t prime_of_shared(unsigned key);

// The label value of an exporter's series is that of its place, that of a task is its own.
std::string label_of_place(unsigned place);
std::string label_of_task(std::uint64_t life);
std::string label_of_shared(unsigned key);

// A series as a program holds it.
struct Held {
  std::uint64_t life = 0;
  Kind kind = Kind::kCounter;
  Counter counter;
  Histogram histogram;
  metrics::Gauge gauge;
  // One update, noted. Does not allocate.
  void update(Lives& lives) const;
};

// A family of each kind, with the label `key`.
class Kinds {
 public:
  Kinds(const Segment& segment, const std::string& name);
  Held held(Kind kind, const std::string& label, std::uint64_t life) const;
  void remove(Kind kind, const std::string& label) const;
  void clear() const;

 private:
  Family<Counter> counter_;
  Family<Histogram> short_, long_;
  Family<metrics::Gauge> gauge_;
};

// Compares what a scrape shows with what is noted. Every difference is a fault.
class LivesAudit {
 public:
  LivesAudit(const Lives& lives, const std::string& file) : lives_(lives), merge_(file) {}
  void operator()(Run& run);
  reader::SegmentMerge& merge() { return merge_; }
  std::uint64_t sure() const { return sure_; }  // series that were surely there, in all scrapes

 private:
  // What a series shows, counted in updates with that prime; the sum of a histogram may lag behind.
  struct Shown {
    std::uint64_t most = 0, least = 0;
    bool fits = false;
  };
  Shown shown(const reader::Family& family, const reader::Series& series,
              std::uint64_t prime) const;

  const Lives& lives_;
  reader::SegmentMerge merge_;
  std::uint64_t sure_ = 0;
};

}  // namespace metrics::torture
