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

// A gauge's first cell is the generation of its owner and, above it, the version of the record that
// it was begun for: what stands there of the record's earlier lives is no value.
constexpr std::uint64_t gauge_life(std::uint32_t generation, std::uint32_t version) noexcept {
  return std::uint64_t{version} << 32 | generation;
}
constexpr std::uint32_t version_of(std::uint64_t gauge_life) noexcept {
  return static_cast<std::uint32_t>(gauge_life >> 32);
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
