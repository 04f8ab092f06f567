// table.h -- prints tables, and spells percentages for them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace metrics::inspect {

// Prints rows in columns as wide as their widest entry; the first row is the heading.
void print_table(std::vector<std::vector<std::string>> rows);

// Spells a part of a whole in percent, rounded down; "0%" if the whole is 0.
std::string percent(std::uint64_t part, std::uint64_t whole);

}  // namespace metrics::inspect
