// BAMBOO_ENGINE_METRICS_BUCKETS: what it may be, and that nothing it may be hurts the worker.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bamboo/engine_segment.h"

namespace metrics::bamboo::test {
namespace {

std::string refusal(const std::string& text) {
  try {
    parse_bounds(text);
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "";
}

const std::string kWrite = "; write seconds with commas between them, e.g. \"0.1,1,10\"";

TEST(Bounds, AreNumbersWithCommasBetween) {
  EXPECT_EQ(parse_bounds("1"), (std::vector<double>{1}));
  EXPECT_EQ(parse_bounds("0.1,1,10"), (std::vector<double>{0.1, 1, 10}));
  EXPECT_EQ(parse_bounds(" .5,\t1. , +2e1\n"), (std::vector<double>{0.5, 1, 20}));
  EXPECT_EQ(parse_bounds("-1,0"), (std::vector<double>{-1, 0}));
  EXPECT_EQ(parse_bounds("1,inf"), (std::vector<double>{1, HUGE_VAL}));
}

TEST(Bounds, ThatAreNoNumbersAreRefusedByPlace) {
  EXPECT_EQ(refusal(""), "item 1, \"\", is no number" + kWrite);
  EXPECT_EQ(refusal("1,,2"), "item 2, \"\", is no number" + kWrite);
  EXPECT_EQ(refusal("1,2,"), "item 3, \"\", is no number" + kWrite);
  EXPECT_EQ(refusal("1;2"), "item 1, \"1;2\", is no number" + kWrite);
  EXPECT_EQ(refusal("0.1, ten"), "item 2, \"ten\", is no number" + kWrite);
  EXPECT_EQ(refusal("1 2"), "item 1, \"1 2\", is no number" + kWrite);
  EXPECT_EQ(refusal("+-1"), "item 1, \"+-1\", is no number" + kWrite);
  EXPECT_EQ(refusal("1,1e999"), "item 2, \"1e999\", is out of range" + kWrite);
}

// An engine whose environment has that list, what it logged, and how many buckets its histograms
// have.
struct Tried {
  explicit Tried(const std::string& list) {
    EngineSegment t;
    ::setenv(kBoundsVariable, list.c_str(), 1);
    metrics_set_log(
        [](metrics_status, const char* text, void* lines) {
          static_cast<std::vector<std::string>*>(lines)->emplace_back(text);
        },
        &logged);
    const Engine engine = t.engine();
    metrics_set_log(nullptr, nullptr);
    { const Running run = engine.process_run(); }
    EXPECT_EQ(t.count(Metric::kProcessRunningTime), 1u);
    EXPECT_EQ(t.scrape().family_count(), kMetricCount);
    for (const Row& row : kCatalogue) {
      if (row.kind != Kind::kHistogram || row.labels != Labels::kHost) continue;
      const std::size_t found = t.scrape().buckets(row.name, {kHostname}).size();
      if (buckets == 0) buckets = found;
      EXPECT_EQ(found, buckets) << row.name;
    }
  }
  std::vector<std::string> logged;
  std::size_t buckets = 0;  // with +Inf
};

constexpr std::size_t kDefaultBuckets = 19;

TEST(Bounds, InTheEnvironmentAreThoseOfAllHistograms) {
  const Tried tried("0.5,1,2.5");
  EXPECT_EQ(tried.buckets, 4u);
  EXPECT_EQ(tried.logged, std::vector<std::string>());
}

TEST(Bounds, MayEndWithInfinity) {
  const Tried tried("0.5,1,+Inf");
  EXPECT_EQ(tried.buckets, 3u);
  EXPECT_EQ(tried.logged, std::vector<std::string>());
}

TEST(Bounds, ThatAreNotSetAreTheDefault) {
  EngineSegment t;
  const Engine engine = t.engine();
  EXPECT_EQ(t.scrape().buckets("engine_process_running_time", {kHostname}).size(), kDefaultBuckets);
}

// Each is told once, names the variable and says what is wrong; the default is taken for all
// families.
TEST(Bounds, ThatCantBeUsedAreToldAndTheDefaultIsTaken) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"", "is no number"},
      {"0.1,1,ten", "item 3, \"ten\", is no number"},
      {"1,0.5", "not above the one before it"},
      {"1,1", "not above the one before it"},
      {"nan", "not finite"},
      {"inf,1", "not finite"},
  };
  for (const auto& [list, reason] : wrong) {
    const Tried tried(list);
    EXPECT_EQ(tried.buckets, kDefaultBuckets) << list;
    ASSERT_EQ(tried.logged.size(), 1u) << list;
    EXPECT_EQ(tried.logged[0].find("BAMBOO_ENGINE_METRICS_BUCKETS is not used: "), 0u)
        << tried.logged[0];
    EXPECT_NE(tried.logged[0].find(reason), std::string::npos) << tried.logged[0];
  }
}

TEST(Bounds, TooManyAreToldAndTheDefaultIsTaken) {
  std::string list = "0";
  for (int i = 1; i < 5000; ++i) list += "," + std::to_string(i);
  const Tried tried(list);
  EXPECT_EQ(tried.buckets, kDefaultBuckets);
  ASSERT_EQ(tried.logged.size(), 1u);
  EXPECT_NE(tried.logged[0].find("has 5000 bounds"), std::string::npos) << tried.logged[0];
}

TEST(Bounds, InTheCodeComeFirstAndAreTheProgrammersError) {
  EngineSegment t;
  ::setenv(kBoundsVariable, "7", 1);
  EngineOptions options = t.options();
  options.bounds = std::vector<double>{2, 1};
  EXPECT_THROW(Engine{options}, std::invalid_argument);
  options.bounds = std::vector<double>{1, 2};
  const Engine engine(options);
  EXPECT_EQ(t.scrape().buckets("engine_process_running_time", {kHostname}).size(), 3u);
}

// Two workers with different lists: both count in one histogram, in the bounds of the last.
TEST(Bounds, ThatDifferFromTheSegmentsCountBesideThem) {
  EngineSegment t;
  const Engine first = t.engine();
  EngineOptions options = t.options();
  options.bounds = std::vector<double>{1, 2};
  const Engine second(options);
  { const Running run = second.process_run(); }
  { const Running run = first.process_run(); }
  EXPECT_EQ(t.count(Metric::kProcessRunningTime), 2u);
  EXPECT_EQ(t.scrape().buckets("engine_process_running_time", {kHostname}).size(), 3u);
  EXPECT_EQ(t.gauge(Metric::kRunningProcesses), 0);
}

}  // namespace
}  // namespace metrics::bamboo::test
