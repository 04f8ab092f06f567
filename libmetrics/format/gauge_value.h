// gauge_value.h -- how a gauge's value is stored, and what each mode requires.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "libmetrics/format/layout.h"
#include "libmetrics/format/ownership.h"
#include "metrics/hot.h"

namespace metrics::format {

static_assert(METRICS_HOT_UNSET == kUnset);
inline std::uint64_t encode_gauge(double value) noexcept { return metrics_hot_encode(value); }
constexpr std::optional<double> decode_gauge(std::uint64_t word) noexcept {
  if (word == 0) return std::nullopt;  // unset
  return std::bit_cast<double>(word ^ kUnset);
}

// What a gauge's first cell tells of the value beside it: the owner of the slot that has set it, in
// the lower half; and the version that the series' record had then, in the upper half. A value of
// another version is that of a former life of the record, and counts nowhere.
struct GaugeWord {
  std::uint32_t version;
  Generation generation;
  static constexpr GaugeWord of(std::uint64_t cell) noexcept {
    return {static_cast<std::uint32_t>(cell >> 32), static_cast<Generation>(cell)};
  }
  constexpr std::uint64_t word() const noexcept {
    return std::uint64_t{version} << 32 | generation;
  }
};
// Returns the version that a live record's state has, as far as a gauge's cell holds it.
constexpr std::uint32_t gauge_version(std::uint64_t live) noexcept {
  return static_cast<std::uint32_t>(rest_of(live));
}

// Returns the index of the state that a state set's value stands for; an empty optional if the
// family, which has `count` states, has no such one.
constexpr std::optional<std::uint32_t> state_of_value(double value, std::size_t count) noexcept {
  if (!(value >= 0 && value < static_cast<double>(count))) return std::nullopt;
  const auto state = static_cast<std::uint32_t>(value);
  if (static_cast<double>(state) != value) return std::nullopt;
  return state;
}

// Returns true if the mode counts only living processes.
constexpr bool is_live(Mode mode) noexcept {
  using enum Mode;
  return mode == kLiveAll || mode == kLiveSum || mode == kLiveMin || mode == kLiveMax ||
         mode == kLiveMostRecent;
}
constexpr bool is_per_process(Mode mode) noexcept {
  return mode == Mode::kAll || mode == Mode::kLiveAll;
}
constexpr bool is_most_recent(Mode mode) noexcept {
  return mode == Mode::kMostRecent || mode == Mode::kLiveMostRecent;
}

}  // namespace metrics::format
