// What a family may be called and consist of: each rule, and the message that says what to write
// instead.
#include "libmetrics/format/definition.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "libmetrics/format/error.h"
#include "libmetrics/format/utf8.h"
#include "libmetrics/reader/reader.h"
#include "tests/support/options.h"
#include "tests/support/temp_segment.h"

namespace metrics::format {
namespace {

// "" if the definition is within the rules, else what is said.
std::string refusal(Definition d) {
  try {
    checked(std::move(d));
    return "";
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), METRICS_INVALID);
    return e.what();
  }
}

Definition named(std::string name, Type type = Type::kCounter) {
  Definition d;
  d.type = type;
  d.name = std::move(name);
  return d;
}

Definition labelled(std::vector<std::string> labels, Type type = Type::kCounter,
                    Mode mode = Mode::kAll) {
  Definition d = named("x", type);
  d.labels = std::move(labels);
  d.mode = mode;
  return d;
}

Definition bounded(std::vector<double> bounds, Type type = Type::kHistogram) {
  Definition d = named("x", type);
  d.bounds = std::move(bounds);
  return d;
}

Definition with_unit(std::string name, std::string unit, Type type = Type::kCounter) {
  Definition d = named(std::move(name), type);
  d.unit = std::move(unit);
  return d;
}

TEST(Definition, NamesAreAnyUtf8) {
  for (const char* name : {"x", ":x", "a:b_c9", "engine_execute_exception_count", "9x", "a-b c",
                           "http.requests", "\xe4\xbb\xbb\xe5\x8a\xa1", "\n\"\\"}) {
    EXPECT_EQ(refusal(named(name)), "") << name;
  }
  EXPECT_EQ(refusal(named("")), "the metric name is empty; write one, e.g. \"tasks_total\"");
  EXPECT_EQ(refusal(named("\xff")), "the metric name is not valid UTF-8");
  EXPECT_EQ(refusal(named(std::string(16 * 1024, 'x'))), "");
  EXPECT_EQ(refusal(named(std::string(16 * 1024 + 1, 'x'))),
            "the metric name is 16385 bytes long; at most 16384 fit");
}

TEST(Definition, EndingsThatTheExpositionAddsAreTakenOff) {
  EXPECT_EQ(checked(named("x_total")).name, "x");
  EXPECT_EQ(checked(named("x")).name, "x");
  EXPECT_EQ(checked(named("x_total", Type::kGauge)).name, "x_total");
  EXPECT_EQ(checked(named("x_info", Type::kInfo)).name, "x");
  EXPECT_EQ(checked(named("x_info", Type::kCounter)).name, "x_info");
  EXPECT_EQ(checked(named("_total")).name, "_total");
}

TEST(Definition, UnitsEndTheName) {
  EXPECT_EQ(checked(with_unit("x", "seconds")).name, "x_seconds");
  EXPECT_EQ(checked(with_unit("x_seconds", "seconds")).name, "x_seconds");
  EXPECT_EQ(checked(with_unit("x_total", "seconds")).name, "x_seconds");
  EXPECT_EQ(checked(with_unit("x_seconds_total", "seconds")).name, "x_seconds");
  EXPECT_EQ(refusal(with_unit("x", "m/s")),
            "unit \"m/s\" of family \"x\" may hold only letters, digits and '_'");
  EXPECT_EQ(refusal(with_unit("x", "seconds", Type::kInfo)),
            "info \"x\" can't have a unit; leave it out");
}

TEST(Definition, LabelNamesAreAnyUtf8) {
  EXPECT_EQ(refusal(labelled({"a", "b_9", "_c", "pid", "quantile", "a:b", "9", "x.y", "\xc3\xa9"})),
            "");
  EXPECT_EQ(refusal(labelled({""})), "a label name of family \"x\" is empty; write one");
  EXPECT_EQ(refusal(labelled({"\xff"})), "label name \"\xff\" of family \"x\" is not valid UTF-8");
  EXPECT_EQ(refusal(labelled({"a", "b", "a"})),
            "label name \"a\" of family \"x\" is there twice; remove one");
}

TEST(Definition, SomeLabelNamesAreReserved) {
  EXPECT_EQ(refusal(labelled({"__name__"})),
            "label name \"__name__\" of family \"x\" is reserved: names that begin with \"__\" are "
            "Prometheus's own; write \"name__\"");
  EXPECT_EQ(refusal(labelled({"__"})),
            "label name \"__\" of family \"x\" is reserved: names that begin with \"__\" are "
            "Prometheus's own; write \"_\"");
  for (const Type type : {Type::kCounter, Type::kGauge, Type::kHistogram, Type::kSummary,
                          Type::kInfo, Type::kStateSet}) {
    EXPECT_EQ(refusal(labelled({"le"}, type)),
              "label name \"le\" of family \"x\" is reserved for histogram buckets; choose another "
              "name");
  }
  EXPECT_EQ(
      refusal(labelled({"quantile"}, Type::kSummary)),
      "label name \"quantile\" of family \"x\" is reserved for quantiles; choose another name");
  EXPECT_EQ(
      refusal(labelled({"pid"}, Type::kGauge, Mode::kAll)),
      "label name \"pid\" of family \"x\" is reserved: gauges of mode \"all\" get a pid label "
      "for each process; choose another name or another mode");
  EXPECT_EQ(refusal(labelled({"pid"}, Type::kGauge, Mode::kLiveAll)),
            "label name \"pid\" of family \"x\" is reserved: gauges of mode \"liveall\" get a pid "
            "label for each process; choose another name or another mode");
  EXPECT_EQ(refusal(labelled({"pid"}, Type::kGauge, Mode::kSum)), "");
}

Definition state_set(std::vector<std::string> states, const std::string& name = "x",
                     std::vector<std::string> labels = {}) {
  Definition d = labelled(std::move(labels), Type::kStateSet, Mode::kLiveMostRecent);
  d.name = name;
  d.states = std::move(states);
  return d;
}

TEST(Definition, StatesHaveNamesEachOnce) {
  EXPECT_EQ(refusal(state_set({"on", "off", "in between, \xc3\xa4"})), "");
  EXPECT_EQ(refusal(state_set({})), "state set \"x\" has no states; name at least one");
  EXPECT_EQ(refusal(state_set({"on", ""})), "state 1 of state set \"x\" is empty; give it a name");
  EXPECT_EQ(refusal(state_set({"on", "off", "on"})),
            "state 2 of state set \"x\", \"on\", is there twice; remove one");
  EXPECT_EQ(refusal(state_set({"\xff"})), "state 0 of state set \"x\" is not valid UTF-8");
  std::vector<std::string> many;
  for (unsigned i = 0; i < 256; ++i) many.push_back("s" + std::to_string(i));
  EXPECT_EQ(refusal(state_set(many)), "");
  many.push_back("one too many");
  EXPECT_EQ(refusal(state_set(many)), "state set \"x\" has 257 states; at most 256 are possible");
  Definition counter = named("x");
  counter.states = {"on"};
  EXPECT_EQ(refusal(counter), "only state sets have states, \"x\" is a counter");
}

TEST(Definition, AStateSetsNameIsALabelToo) {
  const std::string label = " has a label of its own name for its states";
  EXPECT_EQ(refusal(state_set({"on"}, "a:b")),
            "state set \"a:b\"" + label +
                ", and label names have no ':' and don't begin with \"__\"; choose another name");
  EXPECT_EQ(refusal(state_set({"on"}, "le")),
            "state set \"le\"" + label + ", and that label is reserved; choose another name");
  EXPECT_EQ(refusal(state_set({"on"}, "x", {"y", "x"})),
            "state set \"x\"" + label +
                ", so that it can't have another one of that name; rename the label");
  Definition d = state_set({"on"}, "pid");
  EXPECT_EQ(refusal(d), "");
  d.mode = Mode::kAll;
  EXPECT_EQ(refusal(d),
            "state set \"pid\"" + label + ", and that label is reserved; choose another name");
}

TEST(Definition, StateSetsHaveNeitherUnitsNorModesThatNeedNumbers) {
  Definition d = state_set({"on"});
  d.unit = "seconds";
  EXPECT_EQ(refusal(d), "state set \"x\" can't have a unit; leave it out");
  d = state_set({"on"});
  for (const Mode mode :
       {Mode::kAll, Mode::kLiveAll, Mode::kLiveSum, Mode::kMostRecent, Mode::kLiveMostRecent}) {
    d.mode = mode;
    EXPECT_EQ(refusal(d), "");
  }
  for (const Mode mode : {Mode::kSum, Mode::kMin, Mode::kLiveMin, Mode::kMax, Mode::kLiveMax}) {
    d.mode = mode;
    EXPECT_EQ(refusal(d),
              "state set \"x\" can't have the mode \"" + std::string(to_string(mode)) +
                  "\": states have no order and no sum; write livemostrecent, mostrecent, liveall "
                  "or all, or livesum, for the number of processes in each state");
  }
}

TEST(Definition, ThereAreAtMostSixtyFourLabels) {
  std::vector<std::string> labels;
  for (unsigned i = 0; i < 64; ++i) labels.push_back("l" + std::to_string(i));
  EXPECT_EQ(refusal(labelled(labels)), "");
  labels.push_back("one_more");
  EXPECT_EQ(refusal(labelled(labels)), "family \"x\" has 65 labels; at most 64 are possible");
}

TEST(Definition, BoundsAreFiniteAndAscending) {
  EXPECT_EQ(checked(bounded({1, 2, HUGE_VAL})).bounds, (std::vector<double>{1, 2}));
  EXPECT_EQ(checked(bounded({HUGE_VAL})).bounds, std::vector<double>());
  EXPECT_EQ(refusal(bounded({-1, 0, 1e-300})), "");
  const std::string rule = "; write the bounds in ascending order, each once";
  EXPECT_EQ(refusal(bounded({1, 3, 2})),
            "bound 2 of histogram \"x\" is 2.000000, not above the one before it, 3.000000" + rule);
  EXPECT_EQ(refusal(bounded({1, 1})),
            "bound 1 of histogram \"x\" is 1.000000, not above the one before it, 1.000000" + rule);
  const std::string finite = "not finite; leave it out, the +Inf bucket is always there";
  EXPECT_EQ(refusal(bounded({1, HUGE_VAL, 2})), "bound 1 of histogram \"x\" is " + finite);
  EXPECT_EQ(refusal(bounded({-HUGE_VAL, 2})), "bound 0 of histogram \"x\" is " + finite);
  EXPECT_EQ(refusal(bounded({std::numeric_limits<double>::quiet_NaN()})),
            "bound 0 of histogram \"x\" is " + finite);
  EXPECT_EQ(refusal(bounded({1}, Type::kSummary)),
            "only histograms have bounds, \"x\" is a summary");
  std::vector<double> many;
  for (unsigned i = 0; i < 1024; ++i) many.push_back(i);
  EXPECT_EQ(refusal(bounded(many)), "");
  many.push_back(5000);
  EXPECT_EQ(refusal(bounded(many)), "histogram \"x\" has 1025 bounds; at most 1024 are possible");
}

TEST(Definition, HelpIsValidUtf8) {
  Definition d = named("x");
  d.help = "Umläute, \n and \\ are fine.";
  EXPECT_EQ(refusal(d), "");
  d.help = "\xc3";
  EXPECT_EQ(refusal(d), "the help of family \"x\" is not valid UTF-8");
}

TEST(Definition, FamiliesThatShareASampleHaveTheSameStem) {
  for (const Type type : {Type::kCounter, Type::kGauge, Type::kHistogram, Type::kSummary,
                          Type::kInfo, Type::kStateSet}) {
    for (const std::string name : {"x", "x_total", "x_count", "x_sum_bucket", "x_info_created"}) {
      for (const std::string& sample : sample_names(type, name)) EXPECT_EQ(stem(sample), "x");
    }
  }
  EXPECT_EQ(stem("_total"), "");
  EXPECT_EQ(stem("counter"), "counter");
}

TEST(Definition, BrokenUtf8IsRepairedByteForByte) {
  const std::string bad = "\xef\xbf\xbd";
  for (const char* good : {"", "plain", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                           "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(valid_utf8(good), good);
    EXPECT_TRUE(is_valid_utf8(good));
  }
  EXPECT_EQ(valid_utf8("a\xff"
                       "b"),
            "a" + bad + "b");
  EXPECT_EQ(valid_utf8("\xc0\xaf"), bad + bad);                      // overlong
  EXPECT_EQ(valid_utf8("\xe0\x80\xaf"), bad + bad + bad);            // overlong
  EXPECT_EQ(valid_utf8("\xed\xa0\x80"), bad + bad + bad);            // a surrogate
  EXPECT_EQ(valid_utf8("\xf4\x90\x80\x80"), bad + bad + bad + bad);  // beyond U+10FFFF
  EXPECT_EQ(valid_utf8("\xe2\x82"), bad + bad);                      // cut off
  EXPECT_EQ(valid_utf8("\xe2\x82z"), bad + bad + "z");
  EXPECT_EQ(valid_utf8("\x80"), bad);
}

TEST(Definition, BrokenUtf8IsFoundWhereverItStands) {
  for (std::size_t size = 0; size <= 20; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      std::string text(size, 'x');
      EXPECT_TRUE(is_valid_utf8(text));
      text[at] = '\x80';
      EXPECT_FALSE(is_valid_utf8(text)) << at << " of " << size;
      text.replace(at, 1, "\xe2\x82\xac");
      EXPECT_TRUE(is_valid_utf8(text)) << at << " of " << size;
    }
  }
}

TEST(Definition, LabelValuesAreRepairedAndCounted) {
  test::TempSegment t;
  const Family<Counter> tasks("tasks", "", {"name"}, t.options());
  tasks.labels("a\xff").inc(3);
  tasks.labels("a\xfe").inc(4);
  tasks.labels("a\xef\xbf\xbd").inc(5);
  EXPECT_EQ(t.scrape().count("tasks", {"a\xef\xbf\xbd"}), 12u);
  EXPECT_EQ(t.scrape().series_count("tasks"), 1u);
}

TEST(Definition, AConflictNamesBothFamilies) {
  test::TempSegment t;
  t.histogram("times", {1, 2.5});
  metrics_family* family = nullptr;
  const char* label = "name";
  EXPECT_EQ(metrics_family_of(t.segment().get(), METRICS_COUNTER, "times_count", "", &label, 1,
                              nullptr, &family),
            METRICS_CONFLICT);
  EXPECT_EQ(
      std::string(metrics_last_error()),
      "counter \"times_count\" with labels (name) conflicts with the histogram \"times\" with "
      "labels () and bounds (1, 2.5) of this process: they share a sample name, so that only one "
      "can "
      "be served; rename one");
  EXPECT_EQ(metrics_family_of(t.segment().get(), METRICS_GAUGE, "times", "", nullptr, 0,
                              test::Options().mode(METRICS_LIVEMAX).get(), &family),
            METRICS_CONFLICT);
  EXPECT_EQ(std::string(metrics_last_error()),
            "gauge \"times\" of mode livemax with labels () conflicts with the histogram \"times\" "
            "with labels () and bounds (1, 2.5) of this process: they share a sample name, so that "
            "only one can be served; rename one");
  ASSERT_NE(family, nullptr);
  metrics_gauge* gauge = nullptr;
  EXPECT_EQ(metrics_gauge_labels(family, nullptr, 0, &gauge), METRICS_CONFLICT);
  metrics_gauge_set(gauge, 1);
}

TEST(Definition, FamiliesThatDifferInMoreThanHelpAreEditions) {
  test::TempSegment t;
  const auto status = [&](const char* name, const char* help, const char* unit,
                          std::vector<double> bounds) {
    metrics_family* family = nullptr;
    return metrics_family_of(t.segment().get(), METRICS_HISTOGRAM, name, help, nullptr, 0,
                             test::Options().unit(unit).bounds(bounds).get(), &family);
  };
  EXPECT_EQ(status("x_seconds", "One.", "seconds", {1, 2}), METRICS_OK);
  EXPECT_EQ(status("x_seconds", "Another.", "seconds", {1, 2}), METRICS_OK);
  EXPECT_EQ(status("x", "", "seconds", {1, 2, HUGE_VAL}), METRICS_OK);
  reader::Reader reader(t.file());
  ASSERT_TRUE(reader.look());
  EXPECT_EQ(reader.catalogue()->contents.families.size(), 1u);
  EXPECT_EQ(status("x_seconds", "One.", "", {1, 2}), METRICS_OK);
  EXPECT_EQ(status("x_seconds", "One.", "seconds", {1, 2, 3}), METRICS_OK);
  ASSERT_TRUE(reader.look());
  EXPECT_EQ(reader.catalogue()->contents.families.size(), 3u);
  EXPECT_EQ(t.scrape().family_count(), 1u);
  EXPECT_EQ(t.scrape().dropped(format::Drop::kFamilyConflict), 0u);
}

}  // namespace
}  // namespace metrics::format
