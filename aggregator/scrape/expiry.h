// expiry.h -- finds the series of one segment that have not changed for so long that they are left
// out.
//
// A counter, histogram or summary with labels is left out once its values have been the same for
// longer than a given time. It is back, at the value that it has, when they change. A gauge never
// is left out, since that it stays the same may be the fact; nor is a series without labels, since
// a program has few of them.
//
// What is known of changes lasts as long as the process: the aggregator writes nothing. After a
// restart, each series is shown for that time once more.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "libmetrics/reader/families.h"

namespace metrics::scrape {

// The series that are left out of some families.
struct LeftOut {
  std::uint64_t shape = 0;   // another one than before if these are, or the families' shape is
  std::vector<bool> series;  // by their number in the families, counted through all of them
};

// For one thread at a time.
class Expiry {
 public:
  using Clock = std::chrono::steady_clock;

  // A series is left out when it has not changed for longer than `after`; 0: none ever is.
  explicit Expiry(Clock::duration after) noexcept : after_(after) {}

  // Looks at the families of the segment as they are at that time. A series that was not there in
  // the last look begins anew.
  void look(const reader::Families& families, Clock::time_point now);

  // Return what was left out as of the last look: nullptr, and 0, if nothing was.
  const LeftOut* left_out() const noexcept { return count_ == 0 ? nullptr : &left_out_; }
  std::size_t count() const noexcept { return count_; }

 private:
  // Values that are compared: of a histogram, the sum of its counts, since one that has another
  // observation differs in it, and bounds may change where nothing is counted.
  struct Digest {
    std::uint64_t counts;
    std::uint64_t rest;  // the bits of the double that follows them
    friend bool operator==(const Digest&, const Digest&) = default;
  };
  // A series that may be left out.
  struct Watched {
    std::uint64_t record, created_ns;  // its identity, see reader::Series
    std::size_t number;                // in LeftOut::series
    std::size_t first_value;
    std::size_t counts;  // how many values precede the double
    Digest digest;
    Clock::time_point changed;
  };
  static Digest digest_of(const reader::Families& families, const Watched& watched) noexcept;
  void learn(const reader::Families& families, Clock::time_point now);

  const Clock::duration after_;
  std::uint64_t shape_ = 0;       // of the families that the rest is for
  std::vector<Watched> watched_;  // in the order of their numbers
  std::size_t count_ = 0;         // of those left out
  LeftOut left_out_;
};

}  // namespace metrics::scrape
