// utc.h -- times as people and JSON read them.
#pragma once

#include <cstdint>
#include <string>

namespace metrics::exposition {

// Spells nanoseconds since the epoch as a time in UTC, to the second: 2026-01-02T03:04:05Z.
std::string utc(std::uint64_t ns);

}  // namespace metrics::exposition
