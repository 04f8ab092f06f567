// gauge_merge.h -- the gauges of all processes, made samples by their modes.
//
// Counters and histograms are sums; a gauge's mode may ask who set a value, when, and whether that
// process lives. Only gauges of live modes ask the kernel, and only for slots that hold a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "libmetrics/reader/reader.h"

namespace metrics::reader {

// For one thread at a time. Of each scrape: begin(), then hold_*() for each slot that is read, then
// merge().
class GaugeMerge {
 public:
  // A sample; what tells it from others of its series is compared to see whether the shape stays.
  struct Sample {
    std::size_t series;  // index into the catalogue
    std::string pid;     // empty: the processes' values combined
    double value;
  };

  GaugeMerge();

  // Which gauges there are: none, then one after the other in the catalogue's order.
  void forget();
  void add(std::size_t series, std::uint64_t first_cell, format::Mode mode);

  void begin() { held_.clear(); }
  // Takes the values in a slot whose cells were copied. Only first slots hold gauges; others are
  // passed over.
  void hold_copied(const Reader& reader, format::SlotIndex slot, const std::uint64_t* cells);
  // The same of a mapped slot, all whose data is in these stretches. False, with the reader's
  // why(), if the file was truncated meanwhile.
  bool hold_mapped(Reader& reader, format::SlotIndex slot,
                   std::span<const Reader::Stretch> stretches);
  // Makes samples of what is held. False, with the reader's why(), if the file was truncated
  // meanwhile.
  bool merge(Reader& reader);

  // What the last merge() made, in the catalogue's order.
  const std::vector<Sample>& samples() const noexcept { return samples_; }
  // Whether they differ from the ones before in more than values.
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
  std::vector<std::uint64_t> cells_;  // scratch: of all gauges_ in one slot
  std::vector<Held> held_;
  std::vector<Sample> samples_, last_samples_;
  bool changed_ = true;
  const std::uint64_t pid_namespace_;
};

}  // namespace metrics::reader
