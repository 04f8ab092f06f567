#include "aggregator/exposition/number.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace metrics::exposition {
namespace {

template <typename Number>
std::string printed(Number n) {
  char buffer[kMaxNumberSize];
  std::string text(buffer, print(buffer, n));
  EXPECT_EQ(printed_size(n), text.size()) << text;
  return text;
}

std::string bound(double b) {
  std::string text;
  append_bound(text, b);
  return text;
}

TEST(Number, PrintsIntegersExactly) {
  for (std::uint64_t n = 0; n < 200'000; ++n) ASSERT_EQ(printed(n), std::to_string(n));
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  for (std::uint64_t power = 1; power <= kMax / 10; power *= 10) {
    for (const std::uint64_t n :
         {power - 1, power, power + 1, 9 * power, 12'345'678 * (power % 1000)}) {
      EXPECT_EQ(printed(n), std::to_string(n));
    }
  }
  EXPECT_EQ(printed(std::uint64_t{1} << 53), "9007199254740992");
  EXPECT_EQ(printed((std::uint64_t{1} << 53) + 1), "9007199254740993");
  EXPECT_EQ(printed(kMax), "18446744073709551615");
}

// The spellings on the right are those of Go's strconv.FormatFloat(v, 'g', -1, 64).
TEST(Number, PrintsDoublesAsPrometheusDoes) {
  using Limits = std::numeric_limits<double>;
  const std::vector<std::pair<double, std::string>> cases = {
      {0.0, "0"},
      {-0.0, "-0"},
      {1, "1"},
      {-1, "-1"},
      {42, "42"},
      {-42, "-42"},
      {0.1, "0.1"},
      {0.1 + 0.2, "0.30000000000000004"},
      {1.0 / 3, "0.3333333333333333"},
      {0.0001, "0.0001"},
      {0.00001, "1e-05"},
      {0.000012345, "1.2345e-05"},
      {99'999, "99999"},
      {100'000, "100000"},
      {999'999, "999999"},
      {999'999.5, "999999.5"},
      {1'000'000, "1e+06"},
      {-1'000'000, "-1e+06"},
      {1'234'567, "1.234567e+06"},
      {1'620'000'000, "1.62e+09"},
      {1'620'000'000.25, "1.62000000025e+09"},
      {1e20, "1e+20"},
      {1e21, "1e+21"},
      {1e100, "1e+100"},
      {9007199254740993.0, "9.007199254740992e+15"},
      {5e-324, "5e-324"},
      {Limits::min(), "2.2250738585072014e-308"},
      {Limits::max(), "1.7976931348623157e+308"},
      {Limits::lowest(), "-1.7976931348623157e+308"},
      {Limits::infinity(), "+Inf"},
      {-Limits::infinity(), "-Inf"},
      {Limits::quiet_NaN(), "NaN"},
      {std::copysign(Limits::quiet_NaN(), -1), "NaN"},
  };
  for (const auto& [value, text] : cases) EXPECT_EQ(printed(value), text);
}

TEST(Number, PrintsBoundsSoThatTheyLookLikeDoubles) {
  EXPECT_EQ(bound(1), "1.0");
  EXPECT_EQ(bound(0), "0.0");
  EXPECT_EQ(bound(-5), "-5.0");
  EXPECT_EQ(bound(0.005), "0.005");
  EXPECT_EQ(bound(2.5), "2.5");
  EXPECT_EQ(bound(100'000), "100000.0");
  EXPECT_EQ(bound(1e6), "1e+06");
  EXPECT_EQ(bound(1e-7), "1e-07");
}

TEST(Number, PrintsNanosecondsAsSecondsExactly) {
  const auto seconds = [](std::uint64_t ns) {
    std::string text;
    append_seconds(text, ns);
    return text;
  };
  EXPECT_EQ(seconds(0), "0.0");
  EXPECT_EQ(seconds(1), "0.000000001");
  EXPECT_EQ(seconds(5'000'000'000), "5.0");
  EXPECT_EQ(seconds(1'520'430'000'012'000'000), "1520430000.012");
  EXPECT_EQ(seconds(18'446'744'073'709'551'615u), "18446744073.709551615");
}

}  // namespace
}  // namespace metrics::exposition
