#include "tools/inspect/selector.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace metrics::inspect {
namespace {

using format::Type;
using Pairs = std::vector<std::pair<std::string, std::string>>;

// Returns the labels that must be equal to a value.
Pairs labels(const Selector& s) {
  Pairs pairs;
  for (const Matcher& m : s.labels) {
    EXPECT_EQ(m.is, Matcher::Is::kEqual);
    pairs.emplace_back(m.label, m.value);
  }
  return pairs;
}

Pairs labels(const exposition::Sample& sample) {
  Pairs pairs;
  for (const reader::Label& l : sample.labels) pairs.emplace_back(l.name, l.value);
  return pairs;
}

TEST(Selector, IsAName) {
  const Selector s = parse_selector("tasks_total");
  EXPECT_EQ(s.name, "tasks_total");
  EXPECT_EQ(labels(s), Pairs{});
}

TEST(Selector, HasLabelsAsAnExpositionWritesThem) {
  EXPECT_EQ(labels(parse_selector("a{}")), Pairs{});
  EXPECT_EQ(labels(parse_selector("a{b=\"c\"}")), (Pairs{{"b", "c"}}));
  EXPECT_EQ(labels(parse_selector("a{b=\"c\",}")), (Pairs{{"b", "c"}}));
  EXPECT_EQ(labels(parse_selector("a{ b=\"c\" , d=\"}=,\" }")), (Pairs{{"b", "c"}, {"d", "}=,"}}));
  EXPECT_EQ(labels(parse_selector(R"(a{b="\\\"\n"})")), (Pairs{{"b", "\\\"\n"}}));
}

TEST(Selector, IsReadBackFromWhatASampleIsSpelledAs) {
  const exposition::Sample sample{"a_total", {{"b", "\\ \" \n {},="}, {"c", ""}}, "1"};
  const Selector s = parse_selector(exposition::spelled(sample));
  EXPECT_EQ(s.name, sample.name);
  EXPECT_EQ(labels(s), labels(sample));
}

TEST(Selector, HasNamesOfAnyUtf8InQuotes) {
  const exposition::Sample sample{"http.requests", {{"uri path", "/"}, {"a", "b"}}, "1"};
  const Selector s = parse_selector(exposition::spelled(sample));
  EXPECT_EQ(s.name, sample.name);
  EXPECT_EQ(labels(s), labels(sample));
  EXPECT_EQ(parse_selector("{\"a\"}").name, "a");
  EXPECT_EQ(parse_selector("{ \"a.b\" , }").name, "a.b");
}

TEST(Selector, ShowsWhereItGoesWrong) {
  for (const auto& [text, at] :
       std::initializer_list<std::pair<const char*, int>>{{"", 1},
                                                          {"{}", 1},
                                                          {"a b", 2},
                                                          {"{a}", 1},
                                                          {"{\"a", 4},
                                                          {"{\"a\"", 5},
                                                          {"{\"a\",\"b\"}", 9},
                                                          {"{\"a\" b=\"c\"", 6},
                                                          {"a{", 3},
                                                          {"a{b", 4},
                                                          {"a{b=", 5},
                                                          {"a{b=c}", 5},
                                                          {"a{b=\"c", 7},
                                                          {"a{b=\"c\\", 8},
                                                          {"a{b=\"c\"", 8},
                                                          {"a{b=\"c\" d=", 9},
                                                          {"a{=\"c\"}", 3},
                                                          {"a{,}", 3},
                                                          {"a{b=\"c\"}x", 9},
                                                          {"a{b!\"c\"}", 4},
                                                          {"a{b=~\"(\"}", 6},
                                                          {"a[b", 4},
                                                          {"a*b-c", 4},
                                                          {"{__name__}", 10}}) {
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
  for (const char* no : {"wait_sum", "wai", "wait{le=\"1\"}", "wait{other=\"x\"}"}) {
    EXPECT_FALSE(parse_selector(no).matches(family, bucket)) << no;
  }
}

TEST(Selector, ComparesNamesByPatternsAndLabelsAsPromqlDoes) {
  reader::Family family{"http_wait", "", "", Type::kHistogram, {1}, {}};
  const exposition::Sample bucket{"http_wait_bucket", {{"code", "503"}, {"le", "1.0"}}, "1"};
  for (const char* yes :
       {"http_*", "*_bucket", "h?tp_wait", "[a-h]ttp_*", "*{code=~\"5..\"}", "*{code!~\"4..\"}",
        "*{code!=\"200\"}", "*{other=\"\"}", "*{other!=\"x\"}", "*{other=~\"|x\"}",
        "{__name__=~\"http_.*\"}", "{__name__=\"http_wait\",code=~\".*\"}"}) {
    EXPECT_TRUE(parse_selector(yes).matches(family, bucket)) << yes;
  }
  for (const char* no : {"ttp_*", "[!h]*", "*{code=~\"5\"}", "*{code!~\"5..\"}", "*{code!=\"503\"}",
                         "*{other=~\".+\"}", "{__name__=~\"http\"}", "{__name__!~\"http_.*\"}"}) {
    EXPECT_FALSE(parse_selector(no).matches(family, bucket)) << no;
  }
}

}  // namespace
}  // namespace metrics::inspect
