#include "tools/inspect/top/columns.h"

#include <gtest/gtest.h>

#include <clocale>
#include <string>
#include <vector>

namespace metrics::inspect::top {
namespace {

TEST(Columns, AreFilledOnTheSideThatIsAsked) {
  EXPECT_EQ(fitted("abc", 5), "abc  ");
  EXPECT_EQ(fitted("abc", 5, true), "  abc");
  EXPECT_EQ(fitted("abc", 3), "abc");
}

TEST(Columns, TakeTheMiddleFromWhatIsTooLong) {
  EXPECT_EQ(fitted("requests_total{code=\"503\"}", 12), "reque~\"503\"}");
  EXPECT_EQ(fitted("abc", 1), "~");
  EXPECT_EQ(fitted("abc", 0), "");
}

TEST(Columns, CountWhatCharactersTakeOnATerminal) {
  ASSERT_NE(std::setlocale(LC_CTYPE, "C.UTF-8"), nullptr);
  EXPECT_EQ(columns_of("\u00e9"), 1u);
  EXPECT_EQ(columns_of("\u6f22\u5b57"), 4u);
  EXPECT_EQ(fitted("\u6f22\u5b57\u6f22\u5b57", 4), "~\u5b57 ") << "half a character is a blank";
  EXPECT_EQ(columns_of("\xff"), 1u);
  EXPECT_EQ(fitted("\xff", 2), "? ");
}

TEST(Columns, KeepWordsWholeAndCountThoseThatHaveNoRoom) {
  const std::vector<std::string> words = {"one", "three", "five"};
  EXPECT_EQ(whole_words(words, 16), "one three five  ");
  EXPECT_EQ(whole_words(words, 14), "one three five");
  EXPECT_EQ(whole_words(words, 13), "one three +1 ");
  EXPECT_EQ(whole_words(words, 11), "one +2     ");
  EXPECT_EQ(whole_words(words, 2), "+3");
  EXPECT_EQ(whole_words(words, 1), " ");
  EXPECT_EQ(whole_words({}, 3), "   ");
}

TEST(Columns, BreakLinesBetweenWordsAndOnlyLongerOnesInAWord) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(wrapped("one three five", 9), (Lines{"one three", "five"}));
  EXPECT_EQ(wrapped("one three five", 8), (Lines{"one", "three", "five"}));
  EXPECT_EQ(wrapped("eighteen_letters_x a", 8), (Lines{"eighteen", "_letters", "_x a"}));
  EXPECT_EQ(wrapped("", 8), Lines{});
  EXPECT_EQ(shortened_text("one three five", 13), "one three ...");
  EXPECT_EQ(shortened_text("one three five", 14), "one three five");
}

}  // namespace
}  // namespace metrics::inspect::top
