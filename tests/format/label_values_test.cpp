#include "libmetrics/format/label_values.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "libmetrics/format/layout.h"
#include "libmetrics/format/utf8.h"

namespace metrics::format {
namespace {

const std::string kMark = "…";
static_assert(kMaxStringBytes == 16384);

std::string text(std::size_t size, char c = 'x') { return std::string(size, c); }

TEST(LabelValue, OfTheGreatestSizeIsKept) {
  for (const std::string& value : {std::string(), std::string("a"), text(16383), text(16384)}) {
    EXPECT_EQ(label_value(value).text, value);
    EXPECT_FALSE(label_value(value).cut);
  }
}

TEST(LabelValue, OfAByteMoreIsCutAndMarked) {
  const LabelValue value = label_value(text(16385));
  EXPECT_TRUE(value.cut);
  EXPECT_EQ(value.text, text(16381) + kMark);
  EXPECT_EQ(value.text.size(), 16384u);
}

// Every place at which a character of each size can meet the limit.
TEST(LabelValue, IsCutBetweenCharacters) {
  for (const std::string_view character : {"é", "€", "😀"}) {
    for (std::size_t before = 16370; before <= 16385; ++before) {
      std::string whole = text(before);
      while (whole.size() < 16400) whole += character;
      const LabelValue value = label_value(whole);
      EXPECT_TRUE(value.cut);
      EXPECT_EQ(valid_utf8(value.text), value.text);
      EXPECT_LE(value.text.size(), 16384u);
      EXPECT_GT(value.text.size() + character.size(), 16384u) << "room for another one";
      ASSERT_TRUE(value.text.ends_with(kMark));
      EXPECT_TRUE(whole.starts_with(value.text.substr(0, value.text.size() - kMark.size())));
    }
  }
}

TEST(LabelValue, ThatGrowsTooLongWhenItIsRepairedIsCut) {
  const LabelValue fits = label_value(text(5461, '\xe9'));
  EXPECT_FALSE(fits.cut);
  EXPECT_EQ(fits.text.size(), 5461u * 3);
  const LabelValue value = label_value(text(6000, '\xe9'));
  EXPECT_TRUE(value.cut);
  std::string expected;
  for (int i = 0; i < 5460; ++i) expected += "\xef\xbf\xbd";
  EXPECT_EQ(value.text, expected + kMark);
}

// A program may give a value back that it has read from a segment.
TEST(LabelValue, ThatWasCutStandsForItself) {
  for (const char c : {'x', '\xe9'}) {
    const LabelValue once = label_value(text(20000, c));
    const LabelValue again = label_value(once.text);
    EXPECT_EQ(again.text, once.text);
    EXPECT_FALSE(again.cut);
  }
}

TEST(LabelValues, AreCutOneByOne) {
  const std::string longer = text(16385);
  const std::vector<std::string_view> given = {"a", longer, "b\xff"};
  const LabelValues values = label_values(given);
  EXPECT_TRUE(values.cut);
  EXPECT_EQ(values.texts, (std::vector<std::string>{"a", text(16381) + kMark, "b\xef\xbf\xbd"}));
  EXPECT_FALSE(label_values(std::vector<std::string_view>{"a", "b"}).cut);
}

}  // namespace
}  // namespace metrics::format
