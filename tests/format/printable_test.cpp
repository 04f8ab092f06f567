#include "libmetrics/format/printable.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace metrics::format {
namespace {

TEST(Printable, TextStaysAsItIs) {
  for (const std::string text : {"", "tasks_total{type=\"image\"} 1", "C:\\new",
                                 "d\xc3\xa9j\xc3\xa0 vu", "\xe2\x82\xac \xf0\x9f\x98\x80"}) {
    EXPECT_TRUE(is_printable(text)) << text;
    EXPECT_EQ(printable(text), text);
    EXPECT_EQ(printable_lines(text), text);
  }
}

TEST(Printable, WhatATerminalObeysIsShownInstead) {
  const std::pair<const char*, const char*> kSeen[] = {
      {"\x1b[2J", "\\u001b[2J"},  // clears the screen
      {"\xc2\x9b"
       "2J",
       "\\u009b2J"},  // likewise, in one character
      {"\x1b]0;title\a", "\\u001b]0;title\\u0007"},
      {"\x7f\b", "\\u007f\\u0008"},
      {"a\nb\tc\rd", "a\\nb\\tc\\rd"},
      {"\xe2\x80\xae"
       "txt.exe",
       "\\u202etxt.exe"},                    // shown from right to left
      {"\xe2\x80\xa8", "\\u2028"},           // a line separator
      {"\xff\xc3", "\\xff\\xc3"},            // not UTF-8
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"}};  // a surrogate
  for (const auto& [text, seen] : kSeen) {
    EXPECT_FALSE(is_printable(text)) << seen;
    EXPECT_EQ(printable(text), seen);
  }
}

TEST(Printable, LinesStayLines) {
  EXPECT_EQ(printable_lines("a\n\x1b[2J\r\n"), "a\n\\u001b[2J\\r\n");
}

}  // namespace
}  // namespace metrics::format
