#include "tools/inspect/units.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace metrics::inspect {
namespace {

TEST(Units, AreWhatTheFamilySaysOrItsNameEndsWith) {
  EXPECT_EQ(unit_of("wait_seconds", ""), Unit::kSeconds);
  EXPECT_EQ(unit_of("sent_bytes", "bytes"), Unit::kBytes);
  EXPECT_EQ(unit_of("hit_ratio", ""), Unit::kRatio);
  EXPECT_EQ(unit_of("fuel_grams", ""), Unit::kOther);
  EXPECT_EQ(unit_of("wait_parsecs", "parsecs"), Unit::kOther);
  EXPECT_EQ(unit_of("seconds", ""), Unit::kNone) << "there is nothing whose unit it could be";
  EXPECT_EQ(unit_of("milliseconds", ""), Unit::kNone);
  EXPECT_EQ(unit_of("tasks", ""), Unit::kNone);
}

TEST(Units, SpellSecondsByTheirSize) {
  EXPECT_EQ(quantity(1.25e-9, Unit::kSeconds), "1.25ns");
  EXPECT_EQ(quantity(4.5e-5, Unit::kSeconds), "45.0us");
  EXPECT_EQ(quantity(0.0125, Unit::kSeconds), "12.5ms");
  EXPECT_EQ(quantity(0.9996, Unit::kSeconds), "1.00s") << "not 1000ms";
  EXPECT_EQ(quantity(59, Unit::kSeconds), "59s");
  EXPECT_EQ(quantity(90, Unit::kSeconds), "1.50m");
  EXPECT_EQ(quantity(7200, Unit::kSeconds), "2h");
}

TEST(Units, SpellBytesByPowersOfTwoAndRatiosInPercent) {
  EXPECT_EQ(quantity(1023, Unit::kBytes), "1023B");
  EXPECT_EQ(quantity(1023.9, Unit::kBytes), "1.00KiB") << "not 1024B";
  EXPECT_EQ(quantity(1000, Unit::kBytes), "1000B");
  EXPECT_EQ(quantity(1536, Unit::kBytes), "1.50KiB");
  EXPECT_EQ(quantity(0x1p30, Unit::kBytes), "1GiB");
  EXPECT_EQ(quantity(0.125, Unit::kRatio), "12.5%");
}

TEST(Units, KeepAllDigitsOfSmallCounts) {
  EXPECT_EQ(quantity(0, Unit::kNone), "0");
  EXPECT_EQ(quantity(9999, Unit::kNone), "9999");
  EXPECT_EQ(quantity(12345, Unit::kNone), "12.3k");
  EXPECT_EQ(quantity(-2.5e6, Unit::kNone), "-2.50M");
  EXPECT_EQ(quantity(0.00042, Unit::kNone), "4.2e-04");
  EXPECT_EQ(quantity(std::nan(""), Unit::kNone), "");
  EXPECT_EQ(quantity(std::numeric_limits<double>::infinity(), Unit::kBytes), "+Inf");
}

TEST(Units, RoundToWhatPeopleCompareButLeaveWholeNumbersWhole) {
  EXPECT_EQ(rounded(41.210000000000036), "41.21");
  EXPECT_EQ(rounded(1e9 + 1), "1000000001");
  EXPECT_EQ(rounded(-0.1 - 0.2), "-0.3");
  EXPECT_EQ(rounded(std::numeric_limits<double>::infinity()), "inf");
}

TEST(Units, MakeBytesASecondOfBytesAndOfNothingElse) {
  EXPECT_EQ(rate_unit(Unit::kBytes), Unit::kBytes);
  EXPECT_EQ(rate_unit(Unit::kSeconds), Unit::kNone);
  EXPECT_EQ(rate_unit(Unit::kRatio), Unit::kNone);
}

}  // namespace
}  // namespace metrics::inspect
