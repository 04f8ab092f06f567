// gauge_merge.h -- makes samples of the gauges of all processes, by the gauges' modes.
//
// Counters and histograms are sums; a gauge's mode may depend on which process set a value, when,
// and whether that process lives. The kernel is asked only for gauges of live modes, and only for
// slots that hold a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "libmetrics/reader/reader.h"

namespace metrics::reader {

// One thread at a time may use it. For each scrape the caller calls begin(), then hold_*() for each
// slot that it reads, then merge().
class GaugeMerge {
 public:
  // A sample. merge() compares the series and pids with the last ones to see whether the shape
  // stays.
  struct Sample {
    std::size_t series;  // index into the catalogue
    std::string pid;     // empty: the processes' values combined
    double value;
  };

  GaugeMerge();

  // Forgets all gauges; add() then adds them one after the other, in the catalogue's order.
  void forget();
  void add(std::size_t series, std::uint64_t first_cell, format::Mode mode);

  void begin() { held_.clear(); }
  // Takes the values from a slot whose cells were copied. Only first slots hold gauges; others are
  // skipped.
  void hold_copied(const Reader& reader, format::SlotIndex slot, const std::uint64_t* cells);
  // Takes the values from a mapped slot, all of whose data lies in these stretches. Returns false,
  // with the reader's why(), if the file was truncated meanwhile or can't be read.
  bool hold_mapped(Reader& reader, format::SlotIndex slot,
                   std::span<const Reader::Stretch> stretches);
  // Makes samples of the values taken. Returns false, with the reader's why(), if the file was
  // truncated meanwhile or can't be read.
  bool merge(Reader& reader);

  // Returns what the last merge() made, in the catalogue's order.
  const std::vector<Sample>& samples() const noexcept { return samples_; }
  // Returns whether they differ from those of the merge() before in more than values.
  bool changed() const noexcept { return changed_; }

 private:
  struct GaugeSeries {
    std::size_t series;  // index into the catalogue
    std::uint64_t first_cell;
    format::Mode mode;
  };
  // A gauge's value in one slot.
  struct Held {
    std::size_t gauge;  // index into gauges_
    format::SlotIndex slot;
    std::uint64_t generation, stamp;
    double value;
  };

  void hold(format::SlotIndex slot);
  void combine(const GaugeSeries& gauge, std::span<const Held> held,
               const std::vector<HeadCopy>& heads);

  std::vector<GaugeSeries> gauges_;
  std::vector<std::uint64_t> cells_;  // scratch: the cells of all gauges_ in one slot
  std::vector<Held> held_;
  std::vector<Sample> samples_, last_samples_;
  bool changed_ = true;
  const std::uint64_t pid_namespace_;
};

}  // namespace metrics::reader
