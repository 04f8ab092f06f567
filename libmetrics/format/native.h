// native.h -- native histograms: bounds by rule.
//
// A native descriptor gives a histogram bounds that nobody has to choose: 2^schema for each power
// of two of a window, and with them a zero bucket below the window and an overflow bucket above it.
// Together with the explicit bounds, which may be anywhere, they are the histogram's grid, and the
// histogram has one cell for each bound of the grid and one more. So each cell lies in exactly one
// native bucket and between two explicit bounds: one count serves both.
//
//   v < -2^low          |v| <= 2^low    2^low .. 2^high            v > 2^high
//   negative overflow   zero bucket     2^schema for each octave   overflow
//
// With negative buckets, the part above zero is mirrored below it. Whoever says "grid" means these
// bounds without +Inf, ascending, each once.
//
// A window's ends are powers of two, which are bounds in every schema: so halving the resolution,
// which joins two neighbours, never cuts the zero bucket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace metrics::format {

// A native descriptor.
struct Native {
  int schema = 3;  // 2^schema buckets for each power of two: neighbours differ by 9 %
  int low = -20;   // the window begins above 2^low, about a microsecond
  int high = 12;   // and ends with 2^high, 68 minutes
  bool negative = false;
  friend bool operator==(const Native&, const Native&) = default;
};

inline constexpr int kMaxSchema = 8;
inline constexpr int kMinLow = -1022, kMaxHigh = 1023;  // normal doubles
inline constexpr int kMaxOctaves = 64;
inline constexpr std::uint32_t kMaxNativeBuckets = 4096;  // without zero bucket and overflow

// Returns what is wrong with a descriptor, as the rest of a sentence that begins with the family's
// name, and says what to write instead; empty if nothing is.
std::string fault_of(const Native& native);

// Returns the descriptor whose neighbouring bounds differ by `factor` at most, above 1, with the
// least window that reaches from `min` to `max`. 0 stands for the default of each: 1.1, 2^-20,
// 2^12. Throws Error(METRICS_INVALID).
Native native_of(double factor, double min, double max, bool negative);

// Returns 2^(k / 2^schema), correctly rounded, for k from 0 to 2^schema - 1.
double root_of_two(int schema, std::uint32_t k) noexcept;

// The functions below need a descriptor without a fault, and bounds that are ascending and finite.

// Returns how many bounds the rule gives.
constexpr std::uint32_t rule_count(const Native& n) noexcept {
  const std::uint32_t side = (static_cast<std::uint32_t>(n.high - n.low) << n.schema) + 1;
  return side + (n.negative ? side : 1);
}
// Returns a bound that the rule gives, from 0 to rule_count() - 1, ascending. A negative bucket's
// upper end is not part of it: so its bound is the double below that.
double rule_bound(const Native& native, std::uint32_t i) noexcept;
// Returns how many of these are below a finite value.
std::uint32_t rule_bounds_below(const Native& native, double value) noexcept;
// Returns true if a finite value is one of these.
bool is_rule_bound(const Native& native, double value) noexcept;

// Return the grid, and how many bounds it has. Without a descriptor it is the explicit bounds.
std::vector<double> grid_of(std::span<const double> bounds, const std::optional<Native>& native);
std::uint32_t grid_size(std::span<const double> bounds,
                        const std::optional<Native>& native) noexcept;
// Returns for each explicit bound its index in the grid, and then the size of the grid: the cell
// of that index is the last one of the explicit bucket. Takes no memory for the grid itself.
std::vector<std::uint32_t> positions_of(std::span<const double> bounds,
                                        const std::optional<Native>& native);

// Where a native bucket is: Prometheus's index, of the bucket whose magnitudes go from above
// 2^((index - 1) / 2^schema) to 2^(index / 2^schema), on one side of zero.
struct NativeBucket {
  enum class Side { kNegative, kZero, kPositive } side;
  int index;  // 0 for the zero bucket
  friend bool operator==(const NativeBucket&, const NativeBucket&) = default;
};
// Returns the index of the overflow buckets, beyond the largest finite double.
constexpr int overflow_index(int schema) noexcept { return (1024 << schema) + 1; }
// Returns the index at the next coarser schema of the bucket that holds this one.
constexpr int coarser(int index) noexcept { return (index + 1) >> 1; }
// Returns the native bucket between the bounds i - 1 and i of the rule, from 0 to rule_count().
NativeBucket native_bucket(const Native& native, std::uint32_t i) noexcept;

// Returns the descriptor in which all editions of a family that have one are shown: the coarsest
// schema and the largest zero bucket, so that none has to be split; both only grow as editions are
// added.
Native joined(const Native& a, const Native& b) noexcept;

}  // namespace metrics::format
