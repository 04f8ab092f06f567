// gauge_word.h -- what the generation cell of a gauge or info tells of the value beside it.
#pragma once

#include <cstdint>

#include "libmetrics/format/ownership.h"

namespace metrics::reader {

// The owner of the slot that has set the value, in the lower half; and the version that the series'
// record had then, in the upper half. A value of another version is that of a former life of the
// record, and counts nowhere.
struct GaugeWord {
  std::uint32_t version;
  format::Generation generation;
  static constexpr GaugeWord of(std::uint64_t cell) noexcept {
    return {static_cast<std::uint32_t>(cell >> 32), static_cast<format::Generation>(cell)};
  }
};

}  // namespace metrics::reader
