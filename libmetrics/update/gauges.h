// gauges.h -- a gauge's value in its process's first slot, and what a dead owner's value becomes.
//
// Cells: generation, value, stamp. The value is the process's own, or, in the modes that keep what
// the dead have left (sum, min, max, mostrecent), already combined with what its owner found when
// it came: so one word says it all, an update changes one word, and a kill can tear nothing.
#pragma once

#include <cstdint>
#include <optional>

#include "libmetrics/format/layout.h"
#include "libmetrics/format/ownership.h"
#include "metrics/hot.h"

namespace metrics::update {

// A gauge series in this process. Handles point to its base.
struct Gauge : metrics_gauge {
  Gauge(std::uint32_t segment, std::uint64_t first_cell, format::Mode mode) noexcept;

  // Begins a generation's value in that slot: takes over what the last owner has left or unsets it,
  // and only then writes the generation. Once for each claim, before any thread of the process can
  // update.
  void begin(format::Cell* cells, format::Generation generation) noexcept;

  // Lock-free, by any thread. The process must own the slot that the last begin() named.
  void set(double value) noexcept;
  void add(double amount) noexcept;
  // What the process has set; nothing if it has set nothing. Of mode sum, 0 then: what its
  // predecessors have left can't be told from nothing set.
  std::optional<double> own_value() const noexcept;

  const std::uint64_t first_cell;
  const format::Mode mode;
  Gauge* next = nullptr;  // in the writer's list

 private:
  format::Cell& value_cell() const noexcept;
  void publish_own() noexcept;
  void stamp() noexcept;

  format::Cell* value_ = nullptr;  // in the process's first slot
  std::optional<double> inherited_;
  format::Cell own_{0};  // of min, max, mostrecent, encoded: the word may hold the inherited value
};

}  // namespace metrics::update
