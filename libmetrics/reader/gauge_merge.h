// gauge_merge.h -- makes samples of the gauges of all processes, by the gauges' modes.
//
// Counters and histograms are sums; a gauge's mode may depend on which process set a value, when,
// and whether that process lives. The kernel is asked only for gauges of live modes, and only for
// slots that hold a value. An info is merged likewise: a process that states it holds a 1. So is a
// state set: a process holds the index of its state, and what is made of that is a sample for each
// state, 1 or 0, or, in mode livesum, the number of processes that are in it.
//
// Of the editions of a family, the last one's mode decides. Of the others only the values of living
// processes count: a dead one's share in an edition that no process opens again would stay forever.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "libmetrics/reader/reader.h"

namespace metrics::reader {

// One thread at a time may use it. For each scrape the caller calls begin(), then hold() for each
// slot that it reads, in ascending order, then merge(). That takes time in proportion to the values
// that are set, whatever number of processes has set them.
class GaugeMerge {
 public:
  // A sample. merge() compares the series and pids with the last ones to see whether the shape
  // stays.
  struct Sample {
    std::size_t series;  // index into the shown series
    std::string pid;     // empty: the processes' values combined
    double value;
    std::uint64_t stamp = 0;  // of an info: of its last statement
    bool lives = false;       // of an info: a living process states it
    std::uint32_t state = 0;  // of a state set: index into the shown family's states
  };

  GaugeMerge();

  // One record of a series.
  struct Record {
    std::size_t at;      // index into the catalogue's series
    std::size_t series;  // index into the shown series
    std::size_t family;  // index into the shown families
    std::uint64_t first_cell;
    std::uint64_t version;  // of the live record: only values of that version count
    format::Type type;
    format::Mode mode;   // of the family's last edition, as is the type
    bool of_last;        // the record is of that edition
    std::uint64_t cost;  // of a sample of it, see limits.h
    // Of a state set: for each state of the record's edition, its index among the shown family's,
    // and how many these are.
    std::span<const std::uint32_t> places = {};
    std::uint32_t states = 0;
  };
  // Forgets all records; add() then adds them one after the other, in the order of series.
  void forget();
  void add(const Record& record);

  void begin();
  // Takes the values from a slot, all of whose data lies in these stretches. Only first slots hold
  // gauges; others are skipped. Returns false, with the reader's why(), if the file was truncated
  // meanwhile or can't be read.
  bool hold(Reader& reader, format::SlotIndex slot, std::span<const Reader::Stretch> stretches);
  // Returns what the samples of the values taken cost at most.
  std::uint64_t most_of_samples() const noexcept;
  // Makes samples of the values taken, except for those of records that are gone: see
  // Reader::find_gone(). Returns false, with the reader's why(), if the file was truncated
  // meanwhile or can't be read.
  bool merge(Reader& reader, const std::vector<bool>& gone);

  // Returns what the last merge() made, in the order of series.
  const std::vector<Sample>& samples() const noexcept { return samples_; }
  // Returns whether they differ from those of the merge() before in more than values.
  bool changed() const noexcept { return changed_; }

 private:
  // A gauge's value in one slot.
  struct Held {
    std::size_t record;  // index into records_
    format::SlotIndex slot;
    std::uint64_t generation, stamp;
    double value;        // of a state set: an index into the shown family's states
    bool lives = false;  // found out where it matters
  };

  // The cells of a gauge in the slot that is being read.
  struct Found {
    std::uint32_t record;
    std::uint64_t cells[format::kGaugeCells];
  };
  // Whose samples have which pids, of one merge().
  class Pids;

  void sort_held();
  void combine(std::size_t record, std::span<Held> held, bool of_last, Pids& pids);
  template <class Visit>
  void each_process(std::span<const Held> held, Visit visit) const;
  void combine_per_process(const Record& record, std::span<const Held> held, Pids& pids);
  void combine_states(const Record& record, std::span<const Held> held, bool of_last, Pids& pids);
  void drop_old_statements();

  std::vector<Record> records_;
  std::vector<std::uint32_t> by_cell_;  // indices into records_, in the order of cells
  std::vector<Found> found_;            // scratch: room for all records_
  std::vector<Held> held_, sorted_;     // the second is scratch, as is the next
  std::vector<std::size_t> ends_;       // by record
  std::vector<Sample> samples_, last_samples_;
  bool changed_ = true;
  const std::uint64_t pid_namespace_;
};

}  // namespace metrics::reader
