// gauge_value.h -- how a gauge's value is stored, and what each mode requires.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>

#include "libmetrics/format/layout.h"
#include "metrics/hot.h"

namespace metrics::format {

static_assert(METRICS_HOT_UNSET == kUnset);
inline std::uint64_t encode_gauge(double value) noexcept { return metrics_hot_encode(value); }
constexpr std::optional<double> decode_gauge(std::uint64_t word) noexcept {
  if (word == 0) return std::nullopt;  // unset
  return std::bit_cast<double>(word ^ kUnset);
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
