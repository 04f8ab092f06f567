// units.h -- the unit of a family, and how quantities of it are spelled for people.
#pragma once

#include <string>
#include <string_view>

namespace metrics::inspect {

enum class Unit { kNone, kSeconds, kBytes, kRatio, kOther };

// Returns the unit that a family says it has, or else that its name ends with: OpenMetrics' base
// units. kOther: one that is spelled as a plain number.
Unit unit_of(std::string_view name, std::string_view unit);

// Spells a quantity in at most 7 characters: 1.25ms, 3.4MiB, 12.5%, 48.2k. Empty for NaN.
std::string quantity(double value, Unit unit);

// Returns the unit of what a value of that unit gains in a second: bytes a second are bytes;
// seconds a second are nothing that anybody reads as a time.
Unit rate_unit(Unit of_value);

// Returns the number with as many digits as people compare: a whole one in full, another one to
// nine significant digits.
std::string rounded(double value);

}  // namespace metrics::inspect
