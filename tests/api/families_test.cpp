// The C ABI's families: options that can grow, statuses, values by name, the state of a series.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "metrics/hot.h"
#include "metrics/metrics.h"
#include "tests/support/options.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

metrics_family* tasks_of(const TempSegment& t) {
  const std::array<const char*, 2> labels = {"type", "host"};
  metrics_family* family = nullptr;
  EXPECT_EQ(metrics_family_of(t.segment().get(), METRICS_COUNTER, "tasks", "", labels.data(),
                              labels.size(), nullptr, &family),
            METRICS_OK);
  return family;
}

// A struct as a later version of the header has it.
template <class Struct>
struct Later {
  Struct known;
  std::uint64_t unknown;
};

TEST(Options, ThatEndEarlierAreCompletedWithDefaults) {
  TempSegment t;
  metrics_family_options options{};
  options.size = offsetof(metrics_family_options, bounds);  // no bounds, no mode: an older header
  options.unit = "seconds";
  options.mode = METRICS_MAX;  // not part of what was handed over
  metrics_family* family = nullptr;
  EXPECT_EQ(metrics_family_of(t.segment().get(), METRICS_HISTOGRAM, "times", "", nullptr, 0,
                              &options, &family),
            METRICS_OK)
      << metrics_last_error();
  metrics_histogram* times = nullptr;
  ASSERT_EQ(metrics_histogram_labels(family, nullptr, 0, &times), METRICS_OK);
  EXPECT_EQ(t.scrape().buckets("times_seconds").size(), 12u);
}

TEST(Options, OfALaterVersionAreTakenUnlessTheySetWhatIsUnknown) {
  TempSegment t;
  Later<metrics_family_options> options{};
  options.known.size = sizeof options;
  options.known.mode = METRICS_SUM;
  metrics_family* family = nullptr;
  const auto made = [&] {
    return metrics_family_of(t.segment().get(), METRICS_GAUGE, "load", "", nullptr, 0,
                             &options.known, &family);
  };
  EXPECT_EQ(made(), METRICS_OK);
  options.unknown = 1;
  EXPECT_EQ(made(), METRICS_INVALID);
  EXPECT_EQ(family, nullptr);
  EXPECT_NE(std::string(metrics_last_error()).find("use the newer library"), std::string::npos);
}

TEST(Options, WithoutASizeAreRefused) {
  TempSegment t;
  const metrics_family_options options{};
  metrics_family* family = nullptr;
  EXPECT_EQ(metrics_family_of(t.segment().get(), METRICS_COUNTER, "tasks", "", nullptr, 0, &options,
                              &family),
            METRICS_INVALID);
  EXPECT_STREQ(metrics_last_error(),
               "metrics_family_options has the size 0; set it to sizeof(metrics_family_options)");
  const metrics_geometry geometry{};
  metrics_segment* segment = nullptr;
  EXPECT_EQ(metrics_open(t.path().c_str(), &geometry, &segment), METRICS_INVALID);
  EXPECT_STREQ(metrics_last_error(),
               "metrics_geometry has the size 0; set it to sizeof(metrics_geometry)");
  metrics_family_options garbage{};
  garbage.size = ~std::size_t{0};
  EXPECT_EQ(metrics_family_of(t.segment().get(), METRICS_COUNTER, "tasks", "", nullptr, 0, &garbage,
                              &family),
            METRICS_INVALID);
}

TEST(Open, OfTheSameWrongPathIsTheSameSegmentAndLoggedOnce) {
  const TempPath t;
  const std::string directory = t.directory() + "/";
  static int logged = 0;
  metrics_set_log([](metrics_status, const char*, void*) { ++logged; }, nullptr);
  metrics_segment *first = nullptr, *second = nullptr, *other = nullptr;
  EXPECT_EQ(metrics_open(directory.c_str(), nullptr, &first), METRICS_INVALID);
  EXPECT_EQ(metrics_open(directory.c_str(), nullptr, &second), METRICS_INVALID);
  EXPECT_EQ(metrics_open((directory + "other/").c_str(), nullptr, &other), METRICS_INVALID);
  EXPECT_EQ(first, second);
  EXPECT_NE(first, other);
  EXPECT_EQ(logged, 2);
  metrics_set_log(nullptr, nullptr);
}

TEST(Open, ThatHasFailedIsTriedAgainAndTakesNoPlaceOfASegment) {
  const TempPath t;
  const std::string directory = t.directory() + "/later";
  const std::string path = directory + "/segment";
  metrics_segment* segment = nullptr;
  for (int i = 0; i < 2 * METRICS_MAX_SEGMENTS; ++i) {
    EXPECT_EQ(metrics_open(path.c_str(), &kSmallInC, &segment), METRICS_SYSTEM);
    EXPECT_EQ(metrics_segment_path(segment), path + ".v2");
  }
  ASSERT_TRUE(std::filesystem::create_directory(directory));
  EXPECT_EQ(metrics_open(path.c_str(), &kSmallInC, &segment), METRICS_OK);
  EXPECT_EQ(metrics_segment_status(segment), METRICS_OK);
}

TEST(Default, ThatHasFailedIsTriedAgain) {
  const TempPath t;
  const std::string directory = t.directory() + "/later";
  ASSERT_EQ(::setenv("METRICS_SEGMENT", (directory + "/segment").c_str(), 1), 0);
  EXPECT_EQ(metrics_segment_status(metrics_default()), METRICS_SYSTEM);
  EXPECT_EQ(metrics_default(), metrics_default());
  ASSERT_TRUE(std::filesystem::create_directory(directory));
  metrics_segment* const joined = metrics_default();
  EXPECT_EQ(metrics_segment_status(joined), METRICS_OK);
  EXPECT_EQ(metrics_default(), joined);
}

TEST(Options, ThatTheTypeDoesNotHaveAreRefused) {
  TempSegment t;
  const std::vector<double> bounds = {1, 2};
  metrics_family* family = nullptr;
  const auto refusal = [&](metrics_type type, const Options& options) {
    EXPECT_EQ(
        metrics_family_of(t.segment().get(), type, "x", "", nullptr, 0, options.get(), &family),
        METRICS_INVALID);
    return std::string(metrics_last_error());
  };
  EXPECT_EQ(refusal(METRICS_COUNTER, Options().bounds(bounds)),
            "only histograms have bounds, \"x\" is a counter");
  EXPECT_EQ(refusal(METRICS_HISTOGRAM, Options().mode(METRICS_MAX)),
            "only gauges, state sets and infos have modes, \"x\" is a histogram");
  EXPECT_EQ(refusal(METRICS_GAUGE, Options().mode(static_cast<metrics_mode>(11))),
            "the mode of family \"x\" is not one of metrics_mode");
  EXPECT_EQ(refusal(METRICS_INFO, Options().unit("s")),
            "info \"x\" can't have a unit; leave it out");
  EXPECT_EQ(refusal(static_cast<metrics_type>(7), Options()),
            "the type of family \"x\" is not one of metrics_type");
  EXPECT_EQ(refusal(static_cast<metrics_type>(0), Options()),
            "the type of family \"x\" is not one of metrics_type");
}

TEST(FamilyStatus, IsWhyAFamilyWasRefused) {
  TempSegment t;
  EXPECT_EQ(metrics_family_status(tasks_of(t)), METRICS_OK);
  metrics_family* gauge = nullptr;
  ASSERT_EQ(
      metrics_family_of(t.segment().get(), METRICS_GAUGE, "tasks", "", nullptr, 0, nullptr, &gauge),
      METRICS_CONFLICT);
  const std::string why = metrics_last_error();
  metrics_family_status(nullptr);  // another error meanwhile
  EXPECT_EQ(metrics_family_status(gauge), METRICS_CONFLICT);
  EXPECT_EQ(metrics_last_error(), why);
  EXPECT_EQ(metrics_family_status(nullptr), METRICS_INVALID);
}

TEST(FamilyStatus, IsItsSegmentsThatWasNotJoined) {
  const TempPath t;
  const Segment nowhere(t.directory() + "/none/segment");
  metrics_family* family = nullptr;
  EXPECT_EQ(
      metrics_family_of(nowhere.get(), METRICS_COUNTER, "tasks", "", nullptr, 0, nullptr, &family),
      METRICS_OK);
  EXPECT_EQ(metrics_family_status(family), nowhere.status());
  EXPECT_NE(metrics_family_status(family), METRICS_OK);
}

TEST(NamedValues, StandInTheFamilysOrder) {
  TempSegment t;
  metrics_family* tasks = tasks_of(t);
  const std::array<const char*, 2> names = {"host", "type"}, values = {"h", "image"};
  std::array<const char*, 2> ordered{};
  ASSERT_EQ(metrics_order_labels(tasks, names.data(), values.data(), 2, ordered.data()),
            METRICS_OK);
  EXPECT_STREQ(ordered[0], "image");
  EXPECT_STREQ(ordered[1], "h");
}

TEST(NamedValues, ThatAreMissingUnknownOrGivenTwiceAreRefused) {
  TempSegment t;
  metrics_family* tasks = tasks_of(t);
  const std::array<const char*, 2> values = {"1", "2"};
  std::array<const char*, 2> ordered{};
  const auto refusal = [&](std::array<const char*, 2> names, std::size_t count) {
    EXPECT_EQ(metrics_order_labels(tasks, names.data(), values.data(), count, ordered.data()),
              METRICS_INVALID);
    return std::string(metrics_last_error());
  };
  EXPECT_EQ(refusal({"type", "host"}, 1), "\"tasks\" takes 2 label values (type, host), not 1");
  EXPECT_EQ(refusal({"type", "hots"}, 2), "\"tasks\" has no label \"hots\"");
  EXPECT_EQ(refusal({"type", "type"}, 2), "label \"type\" of \"tasks\" is given twice; remove one");
  EXPECT_EQ(refusal({"type", nullptr}, 2), "label string 1 is NULL; write \"\"");
}

TEST(SeriesState, ChangesWhenAnyProcessRemovesTheSeries) {
  TempSegment t;
  metrics_family* tasks = tasks_of(t);
  const std::array<const char*, 2> values = {"image", "\xff"};
  std::uint64_t live = 0;
  EXPECT_EQ(metrics_series_state(tasks, values.data(), 2, &live), nullptr) << "not looked up yet";
  metrics_counter* counter = nullptr;
  ASSERT_EQ(metrics_counter_labels(tasks, values.data(), 2, &counter), METRICS_OK);
  const std::uint64_t* state = metrics_series_state(tasks, values.data(), 2, &live);
  ASSERT_NE(state, nullptr);
  EXPECT_EQ(*state, live);
  ASSERT_EQ(ended(forked([&] { EXPECT_EQ(metrics_remove(tasks, values.data(), 2), METRICS_OK); })),
            0);
  EXPECT_NE(*state, live);
  // Asked for late, a series that is gone is not taken for one that is there.
  state = metrics_series_state(tasks, values.data(), 2, &live);
  EXPECT_TRUE(state == nullptr || *state != live);
  ASSERT_EQ(metrics_counter_labels(tasks, values.data(), 2, &counter), METRICS_OK);
  state = metrics_series_state(tasks, values.data(), 2, &live);
  ASSERT_NE(state, nullptr);
  EXPECT_EQ(*state, live);
  EXPECT_EQ(metrics_series_state(tasks, values.data(), 1, &live), nullptr);
  EXPECT_EQ(metrics_series_state(nullptr, nullptr, 0, &live), nullptr);
}

TEST(Values, OfNullAreRefused) {
  double value = 0;
  std::uint64_t count = 0;
  EXPECT_EQ(metrics_counter_value(nullptr, &value), METRICS_INVALID);
  EXPECT_EQ(metrics_gauge_value(nullptr, &value), METRICS_INVALID);
  EXPECT_EQ(metrics_histogram_value(nullptr, &count, &value), METRICS_INVALID);
}

TEST(Infos, HaveNoLabelNamesOfTheirOwn) {
  TempSegment t;
  const char* label = "version";
  metrics_family* family = nullptr;
  EXPECT_EQ(
      metrics_family_of(t.segment().get(), METRICS_INFO, "build", "", &label, 1, nullptr, &family),
      METRICS_INVALID);
  EXPECT_STREQ(metrics_last_error(),
               "info \"build\" has no label names: each statement brings its own; leave them out");
}

}  // namespace
}  // namespace metrics::test
