// processes.h -- the processes of a segment, by the slots that they own, for people and JSON.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "aggregator/exposition/json.h"
#include "libmetrics/reader/family_counts.h"
#include "libmetrics/reader/reader.h"
#include "libmetrics/reader/slot_report.h"
#include "libmetrics/reader/space_report.h"

namespace metrics::inspect {

// A process that owns, or owned, a first slot, and what it has counted there and in the lanes of
// its threads, together with the earlier owners of these slots.
struct Process {
  reader::SlotReport slot;
  // Sums of counters that have no unit, and of observations: see is_event().
  double events = 0;
  std::vector<std::uint32_t> families;  // in which it has counted: indices into the catalogue's
  std::uint64_t fingerprint = 0;        // see reader::FamilyCounts
};

// Returns true if the values of that family count events: a counter of bytes or seconds does not.
bool is_event(const format::FamilyView& family);

// All of a segment's slots, at one moment.
class Processes {
 public:
  // Reads the owners of all slots, as of the reader's last look.
  explicit Processes(reader::Reader& reader);
  const std::vector<reader::SlotReport>& slots() const { return slots_; }
  // Returns the heads of those owners that still own their slot, or were the last to.
  std::vector<reader::HeadCopy> owners(std::span<const format::Owner> owners) const;
  // Returns the processes with what `counts` has of their slots, in the order of slots.
  std::vector<Process> counted(const reader::Catalogue& catalogue,
                               const std::vector<reader::FamilyCounts>& counts) const;
  // Returns "9974 prefork: the family, 12 series; 10069: 3 series", as far as it is known. A
  // process without a slot has no name, and pids are used again.
  std::string registrants(const reader::FamilySpace& space) const;
  // Returns the process that has registered the family, "9974 prefork"; empty if it is not known.
  std::string registrant(const reader::FamilySpace& space) const;
  // Returns {"family": {"pid", "command"}, "series": [{"pid", "command", "series"}, ...]}; the
  // command is missing where it is not known, "family" where that is not.
  exposition::Json registrants_json(const reader::FamilySpace& space) const;

 private:
  // Returns the command of the last process with that pid that has a slot, or had it last; empty if
  // there is none.
  std::string command_of(std::uint32_t pid) const;
  // Returns "9974 prefork", or the pid alone if there is no command.
  std::string named(std::uint32_t pid) const;

  std::vector<reader::SlotReport> slots_;
};

// Returns "9974 prefork, 10069 prefork and 3 more".
std::string listed(const std::vector<reader::HeadCopy>& processes);
// Returns [{"slot", "pid", "command"}, ...].
exposition::Json processes_json(const std::vector<reader::HeadCopy>& processes);

// Returns {"family", "type", "series", "removed", "cells", "directory_bytes", "slot_bytes",
// "registered_by", "looked_up_by", "by_several"}.
exposition::Json space_json(const reader::FamilySpace& space, const Processes& processes);

}  // namespace metrics::inspect
