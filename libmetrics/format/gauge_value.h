// gauge_value.h -- how a gauge's value is stored, and what its mode asks of it.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>

#include "libmetrics/format/layout.h"
#include "metrics/hot.h"

namespace metrics::core {

static_assert(METRICS_HOT_UNSET == layout::kUnset);
inline std::uint64_t encode_gauge(double value) noexcept { return metrics_hot_encode(value); }
constexpr std::optional<double> decode_gauge(std::uint64_t word) noexcept {
  if (word == 0) return std::nullopt;  // unset
  return std::bit_cast<double>(word ^ layout::kUnset);
}

// Counts only processes that live.
constexpr bool is_live(layout::Mode mode) noexcept {
  using enum layout::Mode;
  return mode == kLiveAll || mode == kLiveSum || mode == kLiveMin || mode == kLiveMax ||
         mode == kLiveMostRecent;
}
constexpr bool is_per_process(layout::Mode mode) noexcept {
  return mode == layout::Mode::kAll || mode == layout::Mode::kLiveAll;
}
constexpr bool is_most_recent(layout::Mode mode) noexcept {
  return mode == layout::Mode::kMostRecent || mode == layout::Mode::kLiveMostRecent;
}

}  // namespace metrics::core
