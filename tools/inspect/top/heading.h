// heading.h -- the lines above the rows: which segment, how it is, and what keys have chosen.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "tools/inspect/top/view.h"

namespace metrics::inspect::top {

inline constexpr std::array<const char*, 7> kSortNames = {"name",   "value", "rate", "avg10",
                                                          "avg100", "p50",   "p99"};
inline constexpr std::array<const char*, 3> kPageNames = {"series", "workers", "space"};

// Each returns a line of at most that many columns: what matters least is left out first, as a
// whole. A width of 0 has room for all.
Line title(const History& history, const Choices& choices, std::size_t width);
Line summary(const History& history, std::size_t width);
Line state(const Choices& choices, std::size_t width);

// Returns how much the segment has dropped, for all reasons.
std::uint64_t dropped(const Picture& now);

}  // namespace metrics::inspect::top
