// table.h -- columns of text, and what stands in them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace metrics::inspect {

// Prints rows in columns as wide as their widest entry; the first row is the heading.
void print_table(const std::vector<std::vector<std::string>>& rows);

// Nanoseconds since the epoch as a time in UTC, to the second.
std::string utc(std::uint64_t ns);

// A part of a whole, rounded down; 0% of nothing.
std::string percent(std::uint64_t part, std::uint64_t whole);

}  // namespace metrics::inspect
