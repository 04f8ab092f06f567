// number.h -- prints numbers as the text formats spell them.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace metrics::exposition {

// No number that is printed here takes more bytes: "-1.7976931348623157e+308" is the longest
// double, 2^64-1 the longest integer.
inline constexpr std::size_t kMaxNumberSize = 24;

namespace number_detail {

inline constexpr auto kPairs = [] {
  std::array<char, 200> pairs{};
  for (std::size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

inline char* print_4_digits(char* to, std::uint32_t n) noexcept {
  std::memcpy(to, &kPairs[2 * std::size_t{n / 100}], 2);
  std::memcpy(to + 2, &kPairs[2 * std::size_t{n % 100}], 2);
  return to + 4;
}

// Prints four digits, shifted so that the number's own digits come first, and returns the end of
// those: there is no branch to mispredict.
inline char* print_below_10000(char* to, std::uint32_t n) noexcept {
  constexpr std::array<std::uint32_t, 5> kShift = {0, 1000, 100, 10, 1};
  const auto size = std::size_t{1} + (n >= 10) + (n >= 100) + (n >= 1000);
  print_4_digits(to, n * kShift[size]);
  return to + size;
}

}  // namespace number_detail

// Writes `n` at `to`, where kMaxNumberSize bytes must be writable, and returns the end of the
// number. Counts vary in length, which std::to_chars mispredicts, so it takes longer.
inline char* print(char* to, std::uint64_t n) noexcept {
  using namespace number_detail;
  if (n < 10'000) return print_below_10000(to, static_cast<std::uint32_t>(n));
  if (n < 100'000'000) {
    const auto m = static_cast<std::uint32_t>(n);
    return print_4_digits(print_below_10000(to, m / 10'000), m % 10'000);
  }
  return std::to_chars(to, to + kMaxNumberSize, n).ptr;
}

// Does the same for a double, as Go and thus Prometheus spell it: with the shortest digits that
// read back as `v`, and an exponent from a million on and below 0.0001; or `+Inf`, `-Inf`, `NaN`.
char* print(char* to, double v) noexcept;

// Returns how many bytes print() writes.
inline std::size_t printed_size(std::uint64_t n) noexcept {
  std::size_t digits = 1;
  for (; n >= 10'000; n /= 10'000) digits += 4;
  return digits + (n >= 10) + (n >= 100) + (n >= 1000);
}
inline std::size_t printed_size(double v) noexcept {
  char number[kMaxNumberSize];
  return static_cast<std::size_t>(print(number, v) - number);
}

// Appends nanoseconds as seconds, exactly: `1520430000.123`, or `5.0`.
void append_seconds(std::string& to, std::uint64_t ns);

// Appends a finite histogram bound as the value of `le`: like print(), but `1.0` instead of `1`.
// Prometheus 2 keeps the spelling of a text exposition, but writes `1.0` itself when it reads
// protobuf, and the same bucket must not become two series.
void append_bound(std::string& to, double bound);

}  // namespace metrics::exposition
