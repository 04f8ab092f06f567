// held_back.h -- which removed series' cells can't be used again now, and what they wait for.
//
// A process may use them if no other living process can have a handle to the removed series: the
// one that has looked it up, and those whose handles were there before their slot. FORMAT.md,
// "Removed records are used again", has the rule.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libmetrics/reader/reader.h"

namespace metrics::reader {

struct HeldBack {
  // The removed series of one family, by what holds them back. of_living: more than one living
  // process may have a handle to them. of_several: several processes have looked them up, which
  // were not remembered, so that they are held back as long as the file is used.
  struct Family {
    std::string name;  // empty if the family can't be read
    std::uint64_t of_living = 0, of_several = 0;
    std::uint64_t of_all = 0;         // what holds back all of the segment's; see below
    std::vector<HeadCopy> processes;  // of of_living: those that may have handles, by slot
  };
  std::vector<Family> families;  // in the order of their records; only those with such series
  std::uint64_t series = 0;      // of all families
  // Records of removed series that some process may use now. Not all others: some are just being
  // removed, or taken.
  std::uint64_t free = 0;
  bool has_slotless = false;  // a living process counts without a slot, and holds back all series
};

// Returns what is held back, of the segment as the last look() has found it. Asks the kernel about
// slots only if there are removed series that have cells. Empty if the file was truncated meanwhile
// or can't be read.
HeldBack held_back(Reader& reader);

// Returns true if no removed series' cells are used again in that file any more, or at all.
inline bool reuse_is_disabled(const Usage& usage) noexcept {
  return usage.unowned != 0 || !usage.reuses_records;
}

}  // namespace metrics::reader
