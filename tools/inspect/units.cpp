#include "tools/inspect/units.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <span>

namespace metrics::inspect {
namespace {

struct Scale {
  double of;
  const char* name;
};

// Three significant digits, or all digits of a whole number below 10,000.
std::string digits(double value, const char* name) {
  std::array<char, 32> text{};
  const double size = std::abs(value);
  const int decimals = value == std::trunc(value) ? 0 : size < 9.995 ? 2 : size < 99.95 ? 1 : 0;
  std::snprintf(text.data(), text.size(), "%.*f%s", decimals, value, name);
  return text.data();
}

// Uses the largest scale that leaves a number of at least 1.
std::string scaled(double value, std::span<const Scale> descending) {
  for (const Scale& scale : descending) {
    // What would be rounded up to the next scale belongs to that.
    if (std::abs(value) >= scale.of * 0.9995) return digits(value / scale.of, scale.name);
  }
  return digits(value / descending.back().of, descending.back().name);
}

}  // namespace

Unit unit_of(std::string_view name, std::string_view unit) {
  constexpr std::array<std::pair<std::string_view, Unit>, 9> kUnits = {{{"seconds", Unit::kSeconds},
                                                                        {"bytes", Unit::kBytes},
                                                                        {"ratio", Unit::kRatio},
                                                                        {"meters", Unit::kOther},
                                                                        {"grams", Unit::kOther},
                                                                        {"joules", Unit::kOther},
                                                                        {"volts", Unit::kOther},
                                                                        {"amperes", Unit::kOther},
                                                                        {"celsius", Unit::kOther}}};
  for (const auto& [spelled, is] : kUnits) {
    if (unit == spelled) return is;
    if (!unit.empty() || !name.ends_with(spelled)) continue;
    const std::string_view before = name.substr(0, name.size() - spelled.size());
    if (before.ends_with('_')) return is;
  }
  return unit.empty() ? Unit::kNone : Unit::kOther;
}

std::string quantity(double value, Unit unit) {
  if (std::isnan(value)) return "";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value == 0) return "0";
  constexpr Scale kSeconds[] = {{86400, "d"}, {3600, "h"},  {60, "m"},   {1, "s"},
                                {1e-3, "ms"}, {1e-6, "us"}, {1e-9, "ns"}};
  constexpr Scale kBytes[] = {{0x1p50, "PiB"}, {0x1p40, "TiB"}, {0x1p30, "GiB"},
                              {0x1p20, "MiB"}, {0x1p10, "KiB"}, {1, "B"}};
  constexpr Scale kPlain[] = {{1e15, "P"}, {1e12, "T"}, {1e9, "G"},
                              {1e6, "M"},  {1e3, "k"},  {1, ""}};
  switch (unit) {
    case Unit::kSeconds:
      return scaled(value, kSeconds);
    case Unit::kBytes:
      return scaled(value, kBytes);
    case Unit::kRatio:
      return digits(value * 100, "%");
    case Unit::kNone:
    case Unit::kOther:
      break;
  }
  // Small whole numbers are counts: all of their digits matter.
  if (value == std::trunc(value) && std::abs(value) < 10000) return digits(value, "");
  if (std::abs(value) < 0.01) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1e", value);
    return text.data();
  }
  return scaled(value, kPlain);
}

Unit rate_unit(Unit of_value) { return of_value == Unit::kBytes ? Unit::kBytes : Unit::kNone; }

std::string rounded(double value) {
  std::array<char, 32> text{};
  const bool is_exact = std::abs(value) < 0x1p53 && value == std::trunc(value);
  std::snprintf(text.data(), text.size(), is_exact ? "%.0f" : "%.9g", value);
  return text.data();
}

}  // namespace metrics::inspect
