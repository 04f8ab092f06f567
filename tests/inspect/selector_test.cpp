#include "tools/inspect/selector.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace metrics::inspect {
namespace {

using format::Type;
using reader::Label;
using Labels = std::vector<Label>;

TEST(Selector, IsAName) {
  const Selector s = parse_selector("tasks_total");
  EXPECT_EQ(s.name, "tasks_total");
  EXPECT_EQ(s.labels, Labels{});
}

TEST(Selector, HasLabelsAsAnExpositionWritesThem) {
  EXPECT_EQ(parse_selector("a{}").labels, Labels{});
  EXPECT_EQ(parse_selector("a{b=\"c\"}").labels, (Labels{{"b", "c"}}));
  EXPECT_EQ(parse_selector("a{b=\"c\",}").labels, (Labels{{"b", "c"}}));
  EXPECT_EQ(parse_selector("a{ b=\"c\" , d=\"}=,\" }").labels, (Labels{{"b", "c"}, {"d", "}=,"}}));
  EXPECT_EQ(parse_selector(R"(a{b="\\\"\n"})").labels, (Labels{{"b", "\\\"\n"}}));
}

TEST(Selector, IsReadBackFromWhatASampleIsSpelledAs) {
  const exposition::Sample sample{"a_total", {{"b", "\\ \" \n {},="}, {"c", ""}}, "1"};
  const Selector s = parse_selector(exposition::spelled(sample));
  EXPECT_EQ(s.name, sample.name);
  EXPECT_EQ(s.labels, sample.labels);
}

TEST(Selector, HasNamesOfAnyUtf8InQuotes) {
  const exposition::Sample sample{"http.requests", {{"uri path", "/"}, {"a", "b"}}, "1"};
  const Selector s = parse_selector(exposition::spelled(sample));
  EXPECT_EQ(s.name, sample.name);
  EXPECT_EQ(s.labels, sample.labels);
  EXPECT_EQ(parse_selector("{\"a\"}").name, "a");
  EXPECT_EQ(parse_selector("{ \"a.b\" , }").name, "a.b");
}

TEST(Selector, ShowsWhereItGoesWrong) {
  for (const auto& [text, at] : std::initializer_list<std::pair<const char*, int>>{
           {"", 1},           {"{}", 1},        {"a b", 2},           {"{a}", 1},
           {"{\"a", 4},       {"{\"a\"", 5},    {"{\"a\",\"b\"}", 9}, {"{\"a\" b=\"c\"", 6},
           {"a{", 3},         {"a{b", 4},       {"a{b=", 5},          {"a{b=c}", 5},
           {"a{b=\"c", 7},    {"a{b=\"c\\", 8}, {"a{b=\"c\"", 8},     {"a{b=\"c\" d=", 9},
           {"a{=\"c\"}", 3},  {"a{,}", 3},      {"a{b=\"c\"}x", 9},   {"a{b!=\"c\"}", 4},
           {"a{b=~\"c\"}", 5}}) {
    try {
      parse_selector(text);
      ADD_FAILURE() << text << " is understood";
    } catch (const std::invalid_argument& e) {
      const std::string where = "at character " + std::to_string(at) + ":";
      EXPECT_NE(std::string(e.what()).find(where), std::string::npos) << e.what();
    }
  }
}

TEST(Selector, MatchesByFamilyOrSampleAndByLabelsThatAreThere) {
  reader::Family family{"wait", "", "", Type::kHistogram, {1}, {}};
  const exposition::Sample bucket{"wait_bucket", {{"type", "x"}, {"le", "1.0"}}, "1"};
  for (const char* yes :
       {"wait", "wait_bucket", "wait{le=\"1.0\"}", "wait{le=\"1.0\",type=\"x\"}"}) {
    EXPECT_TRUE(parse_selector(yes).matches(family, bucket)) << yes;
  }
  for (const char* no : {"wait_sum", "wai", "wait{le=\"1\"}", "wait{other=\"\"}"}) {
    EXPECT_FALSE(parse_selector(no).matches(family, bucket)) << no;
  }
}

}  // namespace
}  // namespace metrics::inspect
