#include "aggregator/scrape/combine.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "aggregator/exposition/text.h"
#include "tests/support/families_builder.h"

namespace metrics::scrape {
namespace {

using test::FamiliesBuilder;

std::string text_of(const reader::Families& families) {
  std::string text;
  exposition::TextEncoder().encode(families, text);
  return text;
}

std::string combined(std::vector<Source> sources) { return text_of(Combine()(sources)); }

reader::Families counter(const std::string& name,
                         std::initializer_list<FamiliesBuilder::LabelView> labels,
                         std::uint64_t value, const std::string& help = "Help.") {
  FamiliesBuilder b;
  b.family(format::Type::kCounter, name, help).series(labels).whole(value).real(0);
  return b.build();
}

reader::Families gauge(const std::string& name, double value) {
  FamiliesBuilder b;
  b.family(format::Type::kGauge, name, "Help.").series({}).real(value);
  return b.build();
}

TEST(Combine, LeavesOutSeriesByTheirNumberInTheirSource) {
  const reader::Families own = gauge("load", 1);
  FamiliesBuilder b;
  b.family(format::Type::kCounter, "load", "Help.").series({{"a", "1"}}).whole(1).real(0);
  b.family(format::Type::kCounter, "tasks", "Help.");
  for (const char* type : {"x", "y", "z"}) b.series({{"type", type}}).whole(2).real(0);
  const reader::Families some = b.build();
  LeftOut left_out{reader::new_shape(), {false, false, true, false}};  // "load" has number 0
  Combine combine;
  const std::vector<Source> sources = {{&own, "", true}, {&some, "", false, &left_out}};
  EXPECT_EQ(text_of(combine(sources)),
            "# HELP load Help.\n# TYPE load gauge\nload 1\n"
            "# HELP tasks_total Help.\n# TYPE tasks_total counter\n"
            "tasks_total{type=\"x\"} 2\ntasks_total{type=\"z\"} 2\n");
  left_out = {reader::new_shape(), {false, true, true, true}};
  EXPECT_EQ(text_of(combine(sources)),
            "# HELP load Help.\n# TYPE load gauge\nload 1\n"
            "# HELP tasks_total Help.\n# TYPE tasks_total counter\n");
}

TEST(Combine, NamesTheSegmentAndSumsNothing) {
  const reader::Families a = counter("tasks", {{"type", "x"}}, 1, "Of a.");
  const reader::Families b = counter("tasks", {{"type", "x"}}, 2, "Of b.");
  EXPECT_EQ(combined({{&a, "/a"}, {&b, "/b"}}),
            "# HELP tasks_total Of a.\n# TYPE tasks_total counter\n"
            "tasks_total{type=\"x\",segment=\"/a\"} 1\ntasks_total{type=\"x\",segment=\"/b\"} 2\n");
}

TEST(Combine, AddsNoLabelWhereNoneIsWanted) {
  const reader::Families a = counter("tasks", {{"segment", "mine"}}, 1);
  EXPECT_EQ(
      combined({{&a, ""}}),
      "# HELP tasks_total Help.\n# TYPE tasks_total counter\ntasks_total{segment=\"mine\"} 1\n");
}

TEST(Combine, MovesLabelsOfThatNameAside) {
  const reader::Families a = counter("a", {{"segment", "1"}}, 1);
  const reader::Families b = counter("b", {{"exported_segment", "1"}, {"segment", "2"}}, 1);
  const reader::Families c = counter("c", {{"exported_segment", "1"}}, 1);
  const std::string text = combined({{&a, "/s"}, {&b, "/s"}, {&c, "/s"}});
  EXPECT_NE(text.find("a_total{exported_segment=\"1\",segment=\"/s\"} 1\n"), text.npos) << text;
  EXPECT_NE(text.find("b_total{exported_segment=\"1\",exported_exported_segment=\"2\","
                      "segment=\"/s\"} 1\n"),
            text.npos)
      << text;
  EXPECT_NE(text.find("c_total{exported_segment=\"1\",segment=\"/s\"} 1\n"), text.npos) << text;
}

TEST(Combine, LeavesOutFamiliesThatShareASampleNameWithAnEarlierOne) {
  const reader::Families first = counter("load", {}, 1);
  for (const reader::Families& later :
       {gauge("load", 2), gauge("load_total", 2), gauge("load_created", 2)}) {
    Combine combine;
    const std::vector<Source> sources = {{&first, "/a"}, {&later, "/b"}};
    EXPECT_EQ(text_of(combine(sources)), combined({{&first, "/a"}}));
    ASSERT_EQ(combine.left_out().size(), 1u);
    EXPECT_EQ(combine.left_out()[0], "gauge \"" + later.families[0].name +
                                         "\" of segment /b is left out: it conflicts with the "
                                         "counter \"load\" of an earlier source");
  }
}

TEST(Combine, LeavesOutFamiliesOfTheNameOfOneThatStandsAlone) {
  const reader::Families own = gauge("metrics_segment_up", 1);
  FamiliesBuilder b;
  b.family(format::Type::kGauge, "metrics_segment_up", "Help.").series({{"a", "b"}}).real(2);
  const reader::Families theirs = b.build();
  Combine combine;
  const std::vector<Source> sources = {{&own, "", true}, {&theirs, "/a"}};
  EXPECT_EQ(text_of(combine(sources)), combined({{&own, ""}}));
  EXPECT_EQ(combine.left_out().size(), 1u);
}

TEST(Combine, LeavesOutSeriesWithTheLabelsOfAnEarlierOne) {
  const reader::Families own = counter("process_cpu_seconds", {}, 1);
  const reader::Families theirs = counter("process_cpu_seconds", {}, 2);
  Combine combine;
  const std::vector<Source> sources = {{&own, ""}, {&theirs, ""}};
  EXPECT_EQ(text_of(combine(sources)), combined({{&own, ""}}));
  EXPECT_EQ(combine.left_out(),
            (std::vector<std::string>{"a series of \"process_cpu_seconds\" is left out: an earlier "
                                      "source has one with the same labels"}));
}

TEST(Combine, TakesLabelsInAnyOrderForTheSame) {
  const reader::Families one = counter("tasks", {{"a", "1"}, {"b", "2"}}, 1);
  const reader::Families other = counter("tasks", {{"b", "2"}, {"a", "1"}}, 2);
  const reader::Families shifted = counter("tasks", {{"a", "1b"}, {"b", "2"}}, 3);
  Combine combine;
  const std::vector<Source> sources = {{&one, ""}, {&other, ""}, {&shifted, ""}};
  EXPECT_EQ(combine(sources).families.at(0).series.size(), 2u);
}

TEST(Combine, KeepsBucketsOfSegmentsThatDiffer) {
  FamiliesBuilder a, b, c;
  a.family(format::Type::kHistogram, "wait", "Of a.", {1, 2})
      .series({})
      .whole(1)
      .whole(2)
      .whole(3)
      .real(4);
  b.family(format::Type::kHistogram, "wait", "Of b.", {5}).series({}).whole(6).whole(7).real(8);
  c.family(format::Type::kHistogram, "wait", "Of c.", {1, 2})
      .series({})
      .whole(0)
      .whole(1)
      .whole(0)
      .real(9);
  const reader::Families fa = a.build(), fb = b.build(), fc = c.build();
  EXPECT_EQ(combined({{&fa, "a"}, {&fb, "b"}, {&fc, "c"}}),
            "# HELP wait Of a.\n# TYPE wait histogram\n"
            "wait_bucket{segment=\"a\",le=\"1.0\"} 1\nwait_bucket{segment=\"a\",le=\"2.0\"} 3\n"
            "wait_bucket{segment=\"a\",le=\"+Inf\"} 6\nwait_count{segment=\"a\"} "
            "6\nwait_sum{segment=\"a\"} 4\n"
            "wait_bucket{segment=\"c\",le=\"1.0\"} 0\nwait_bucket{segment=\"c\",le=\"2.0\"} 1\n"
            "wait_bucket{segment=\"c\",le=\"+Inf\"} 1\nwait_count{segment=\"c\"} "
            "1\nwait_sum{segment=\"c\"} 9\n"
            "wait_bucket{segment=\"b\",le=\"5.0\"} 6\nwait_bucket{segment=\"b\",le=\"+Inf\"} 13\n"
            "wait_count{segment=\"b\"} 13\nwait_sum{segment=\"b\"} 8\n");
}

// A summary is a histogram without bounds.
TEST(Combine, MakesHistogramsOfSummariesWhereAnotherSegmentHasHistograms) {
  FamiliesBuilder one, two;
  one.family(format::Type::kSummary, "times", "Help.").series({}).whole(3).real(7);
  two.family(format::Type::kHistogram, "times", "Help.", {1}).series({}).whole(1).whole(2).real(5);
  const reader::Families summary = one.build();
  const reader::Families histogram = two.build();
  EXPECT_EQ(combined({{&summary, "/a"}, {&histogram, "/b"}}),
            "# HELP times Help.\n# TYPE times histogram\n"
            "times_bucket{segment=\"/a\",le=\"+Inf\"} 3\n"
            "times_count{segment=\"/a\"} 3\ntimes_sum{segment=\"/a\"} 7\n"
            "times_bucket{segment=\"/b\",le=\"1.0\"} 1\n"
            "times_bucket{segment=\"/b\",le=\"+Inf\"} 3\n"
            "times_count{segment=\"/b\"} 3\ntimes_sum{segment=\"/b\"} 5\n");
}

TEST(Combine, LeavesOutAHistogramWhoseBucketsAreAnEarlierFamilysName) {
  FamiliesBuilder one, two;
  one.family(format::Type::kSummary, "times", "").series({}).whole(3).real(7);
  one.family(format::Type::kGauge, "times_bucket", "").series({}).real(1);
  two.family(format::Type::kHistogram, "times", "", {1}).series({}).whole(1).whole(2).real(5);
  const reader::Families first = one.build();
  const reader::Families later = two.build();
  EXPECT_EQ(combined({{&first, "/a"}, {&later, "/b"}}), combined({{&first, "/a"}}));
}

TEST(Combine, CopiesNoValueOfAnInfo) {
  FamiliesBuilder b;
  b.family(format::Type::kInfo, "build", "").series({{"version", "1"}});
  const reader::Families info = b.build();
  ASSERT_TRUE(info.values.empty());
  Combine combine;
  const std::vector<Source> sources = {{&info, "/a"}};
  EXPECT_TRUE(combine(sources).values.empty());
}

TEST(Combine, KeepsItsShapeWhileTheSourcesKeepTheirs) {
  reader::Families a = counter("tasks", {}, 1);
  reader::Families b = gauge("load", 2);
  std::vector<Source> sources = {{&a, "/a"}, {&b, "/b"}};
  Combine combine;
  const std::uint64_t shape = combine(sources).shape;
  a.values[0] = 5;
  b.values[0] = std::bit_cast<std::uint64_t>(6.0);
  const reader::Families& again = combine(sources);
  EXPECT_EQ(again.shape, shape);
  EXPECT_EQ(again.counter(again.families.at(0).series.at(0)).whole, 5u);
  EXPECT_EQ(again.gauge(again.families.at(1).series.at(0)), 6);

  std::swap(sources[0], sources[1]);
  const std::uint64_t swapped = combine(sources).shape;
  EXPECT_NE(swapped, shape);
  sources[0].segment = "/c";
  const std::uint64_t renamed = combine(sources).shape;
  EXPECT_NE(renamed, swapped);
  sources.pop_back();
  EXPECT_NE(combine(sources).shape, renamed);
  EXPECT_EQ(combine(sources).families.size(), 1u);
}

// Values of neighbours are copied together: series left out in between, and infos without any, must
// not shift them.
TEST(Combine, CopiesEachValueToItsSeries) {
  FamiliesBuilder b;
  b.family(format::Type::kCounter, "a", "").series({{"x", "1"}}).whole(1).real(0);
  b.series({{"x", "2"}}).whole(2).real(0).series({{"x", "3"}}).whole(3).real(0);
  b.family(format::Type::kInfo, "i", "").series({{"v", "1"}});
  b.family(format::Type::kGauge, "g", "").series({}).real(4);
  const reader::Families many = b.build();
  const reader::Families first = counter("a", {{"x", "2"}}, 20);
  EXPECT_EQ(combined({{&first, ""}, {&many, ""}}),
            "# HELP a_total Help.\n# TYPE a_total counter\n"
            "a_total{x=\"2\"} 20\na_total{x=\"1\"} 1\na_total{x=\"3\"} 3\n"
            "# HELP i_info \n# TYPE i_info gauge\ni_info{v=\"1\"} 1\n"
            "# HELP g \n# TYPE g gauge\ng 4\n");
}

}  // namespace
}  // namespace metrics::scrape
