// gauges.h -- a gauge's value in its process's first slot, and what a dead owner's value becomes.
//
// Cells: generation and version, value, stamp. The value is the process's own. In the modes that
// keep the values of dead processes (sum, min, max, mostrecent) it is already combined with the
// value that the owner found when it claimed the slot. So one word is the whole value, an update
// changes one word, and a kill can't leave a half-written one.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "libmetrics/format/layout.h"
#include "libmetrics/format/ownership.h"
#include "libmetrics/format/records.h"
#include "metrics/hot.h"

namespace metrics::update {

// Who has a handle. One that was given out to C or C++ is valid until the process ends; one that an
// interpreter has asked for under its lock can be used for another series once it has been released
// as often. Changed under that lock, except for is_kept.
struct Users {
  std::atomic<std::uint32_t> count{0};
  bool is_orphan = false;            // no table entry leads to it any more
  std::atomic<bool> is_kept{false};  // until the process ends
};

// A series of a gauge, an info or a state set in this process. Handles of the C ABI point to its
// base class.
struct Gauge : metrics_gauge {
  // family: the offset of its family's record.
  Gauge(format::Mode mode, format::Offset family, std::size_t states = 0) noexcept;

  // Begins a generation's value in these cells of its slot: takes over the value that the last
  // owner has left in this life of the record, or unsets it, and only then writes the generation
  // and the version. Called once for each claim, before any thread of the process can update the
  // gauge, and when the handle leads to a series again.
  void begin(format::Cell* mine, format::Generation generation, std::uint32_t version) noexcept;
  // Ends the value: updates don't find it any more. In a child that is its parent's value, which
  // the child must never set.
  void end() noexcept;
  // Forgets the value and what was handed down, before the handle leads to a series again.
  void reset() noexcept;

  // Lock-free; any thread may call them. They do nothing before the first begin().
  void set(double value) noexcept;
  void add(double amount) noexcept;
  // Sets the value that children begin with which are forked from now on: an info's 1, which a
  // child states too, with its first own update. Call set() as well.
  void hand_down(double value) noexcept;
  // Returns the value that the process has set; an empty optional if it has set none. Exception: in
  // mode sum it is 0 if the process has set none but a predecessor has left a value, since the word
  // then holds the predecessor's value alone.
  std::optional<double> own_value() const noexcept;

  // Returns the offset of its family's record; 0 if that lies beyond 32 GB.
  format::Offset family() const noexcept {
    return format::Offset{family_words} * sizeof(format::Cell);
  }

  const format::Mode mode;
  const std::uint16_t states;  // of a state set: how many it has; it is set to an index below that
  const std::uint32_t family_words;  // family(), for which 4 bytes are left of 64
  Users users;

 private:
  format::Cell* value_cell() const noexcept;
  std::optional<double> inherited() const noexcept;
  void publish_own(format::Cell& shared) noexcept;
  static void stamp(format::Cell& value) noexcept;

  format::Cell* value_ = nullptr;  // in the process's first slot
  format::Cell inherited_{0};      // what the last owner has left; encoded like the word
  format::Cell handed_down_{0};    // encoded like the word; 0: children begin without a value
  format::Cell own_{0};  // the own value in modes min, max, mostrecent; encoded like the word
};

}  // namespace metrics::update
