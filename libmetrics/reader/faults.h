// faults.h -- what is wrong with a segment, as sentences, and no more of them than anybody reads.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace metrics::reader {

using Faults = std::vector<std::string>;

// Forged bytes can have a fault for each of millions of words: a reader's memory is not theirs.
inline constexpr std::size_t kMostFaults = 10'000;

// Returns true if no more faults can be added, so that it is no use to look for them.
inline bool is_full(const Faults& faults) noexcept { return faults.size() > kMostFaults; }

// Adds a fault; in the place of the first one too many, a sentence that there are more.
inline void add_fault(Faults& faults, std::string text) {
  if (is_full(faults)) return;
  faults.push_back(faults.size() < kMostFaults ? std::move(text)
                                               : "there are more faults than the " +
                                                     std::to_string(kMostFaults) + " above");
}

}  // namespace metrics::reader
