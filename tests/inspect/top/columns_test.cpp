#include "tools/inspect/top/columns.h"

#include <gtest/gtest.h>

#include <clocale>

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

}  // namespace
}  // namespace metrics::inspect::top
