// gauges.h -- a gauge's value in its process's first slot, and what a dead owner's value becomes.
//
// Cells: generation, value, stamp. The value is the process's own. In the modes that keep the
// values of dead processes (sum, min, max, mostrecent) it is already combined with the value that
// the owner found when it claimed the slot. So one word is the whole value, an update changes one
// word, and a kill can't leave a half-written one.
#pragma once

#include <cstdint>
#include <optional>

#include "libmetrics/format/layout.h"
#include "libmetrics/format/ownership.h"
#include "metrics/hot.h"

namespace metrics::update {

// A series of a gauge or an info in this process. Handles of the C ABI point to its base class.
struct Gauge : metrics_gauge {
  Gauge(std::uint32_t segment, std::uint64_t first_cell, format::Mode mode) noexcept;

  // Begins a generation's value in that slot: takes over the value that the last owner has left, or
  // unsets it, and only then writes the generation. Called once for each claim, before any thread
  // of the process can update the gauge.
  void begin(format::Cell* cells, format::Generation generation) noexcept;

  // Lock-free; any thread may call them. The process must own the slot that was given to the last
  // begin().
  void set(double value) noexcept;
  void add(double amount) noexcept;
  // Sets the value that children begin with which are forked from now on: an info's 1, which a
  // child states too, with its first own update. Call set() as well.
  void hand_down(double value) noexcept;
  // Returns the value that the process has set; an empty optional if it has set none. Exception: in
  // mode sum it is 0 if the process has set none but a predecessor has left a value, since the word
  // then holds the predecessor's value alone.
  std::optional<double> own_value() const noexcept;

  const std::uint64_t first_cell;
  const format::Mode mode;
  Gauge* next = nullptr;  // in the list of OwnSlots

 private:
  format::Cell& value_cell() const noexcept;
  void publish_own() noexcept;
  void stamp() noexcept;

  format::Cell* value_ = nullptr;  // in the process's first slot
  std::optional<double> inherited_;
  format::Cell handed_down_{0};  // encoded like the word; 0: children begin without a value
  format::Cell own_{0};  // the own value in modes min, max, mostrecent; encoded like the word
};

}  // namespace metrics::update
