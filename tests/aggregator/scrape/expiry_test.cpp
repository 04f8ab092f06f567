// Which series are left out when, with a clock that the tests move.
#include "aggregator/scrape/expiry.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "aggregator/exposition/text.h"
#include "aggregator/scrape/combine.h"
#include "libmetrics/reader/merge.h"
#include "tests/support/families_builder.h"
#include "tests/support/temp_segment.h"

namespace metrics::scrape {
namespace {

using namespace std::chrono_literals;
using test::TempSegment;
using Names = std::vector<std::string>;

// A segment that is looked at, and a clock.
class Watched {
 public:
  explicit Watched(Expiry::Clock::duration after) : expiry_(after) {}

  // Moves the clock, looks at the segment, and returns the first label values of the family's
  // series that are shown; "-" for one without labels.
  Names shown(Expiry::Clock::duration later, const std::string& family) {
    now_ += later;
    EXPECT_TRUE(merge_.read()) << merge_.why();
    expiry_.look(merge_.families(), now_);
    const std::vector<Source> sources = {{&merge_.families(), "", false, expiry_.left_out()}};
    families_ = &combine_(sources);
    Names names;
    for (const reader::Family& f : families_->families) {
      if (f.name != family) continue;
      for (const reader::Series& s : f.series) {
        names.push_back(s.labels.empty() ? "-" : s.labels.front().value);
      }
    }
    return names;
  }
  // Returns the exposition of what was shown.
  std::string text() {
    std::string text;
    encoder_.replace(*families_, text);
    return text;
  }
  std::uint64_t shape() const { return families_->shape; }
  std::size_t count() const { return expiry_.count(); }
  const TempSegment& segment() const { return segment_; }
  test::InSegment options() const { return segment_.options(); }

 private:
  TempSegment segment_;
  reader::SegmentMerge merge_{segment_.file()};
  Expiry expiry_;
  Expiry::Clock::time_point now_{};
  Combine combine_;
  exposition::TextEncoder encoder_;
  const reader::Families* families_ = nullptr;
};

TEST(Expiry, LeavesOutWhatHasNotChangedForLonger) {
  Watched w(10s);
  const Family<Counter> tasks("tasks", "", {"type"}, w.options());
  tasks.labels("busy").inc();
  tasks.labels("idle").inc(5);
  EXPECT_EQ(w.shown(0s, "tasks"), (Names{"busy", "idle"}));
  tasks.labels("busy").inc();
  EXPECT_EQ(w.shown(10s, "tasks"), (Names{"busy", "idle"})) << "not for longer yet";
  EXPECT_EQ(w.count(), 0u);
  EXPECT_EQ(w.shown(1ns, "tasks"), Names{"busy"});
  EXPECT_EQ(w.count(), 1u);
  EXPECT_EQ(w.shown(10s, "tasks"), Names{});
  EXPECT_EQ(w.count(), 2u);
}

TEST(Expiry, ShowsASeriesAgainAtItsValueWhenItChanges) {
  Watched w(10s);
  const Counter idle = Family<Counter>("tasks", "", {"type"}, w.options()).labels("idle");
  idle.inc(5);
  w.shown(0s, "tasks");
  EXPECT_EQ(w.shown(11s, "tasks"), Names{});
  EXPECT_EQ(w.text().find("tasks_total{"), std::string::npos);
  idle.inc(2);
  EXPECT_EQ(w.shown(1h, "tasks"), Names{"idle"});
  EXPECT_NE(w.text().find("tasks_total{type=\"idle\"} 7\n"), std::string::npos) << w.text();
  EXPECT_EQ(w.shown(10s, "tasks"), Names{"idle"});
  EXPECT_EQ(w.shown(1s, "tasks"), Names{});
}

TEST(Expiry, OfCountersSeesFractionsToo) {
  Watched w(10s);
  const Counter tasks = Family<Counter>("tasks", "", {"type"}, w.options()).labels("a");
  w.shown(0s, "tasks");
  tasks.inc(0.25);
  EXPECT_EQ(w.shown(11s, "tasks"), Names{"a"});
}

TEST(Expiry, OfHistogramsAndSummariesSeesEachObservation) {
  Watched w(10s);
  const Histogram seconds = Family<Histogram>("seconds", "", {"type"},
                                              {.bounds = {1, 2}, .segment = w.segment().segment()})
                                .labels("a");
  const Summary sizes = Family<Summary>("sizes", "", {"type"}, w.options()).labels("a");
  w.shown(0s, "seconds");
  for (const double value : {0.0, 1.5, 5.0}) {  // 0 leaves the sum as it is
    seconds.observe(value);
    sizes.observe(value);
    EXPECT_EQ(w.shown(11s, "seconds"), Names{"a"}) << value;
    EXPECT_EQ(w.shown(0s, "sizes"), Names{"a"}) << value;
  }
  EXPECT_EQ(w.shown(11s, "seconds"), Names{});
  EXPECT_EQ(w.shown(0s, "sizes"), Names{});
}

TEST(Expiry, LeavesGaugesInfosAndWhatHasNoLabelsWhereTheyAre) {
  Watched w(10s);
  w.segment().counter("tasks").inc();
  Family<Counter>("empty", "", {"type"}, w.options()).labels("").inc();
  Family<Gauge>("load", "", {"cpu"}, {.mode = Mode::kSum, .segment = w.segment().segment()})
      .labels("0")
      .set(1);
  Family<Info>("build", "", w.options()).state({{"version", "1"}});
  w.shown(0s, "tasks");
  EXPECT_EQ(w.shown(1h, "tasks"), Names{"-"});
  EXPECT_EQ(w.shown(0s, "empty"), Names{""}) << "an empty value is no label";
  EXPECT_EQ(w.shown(0s, "load"), Names{"0"});
  EXPECT_EQ(w.shown(0s, "build"), Names{"1"});
  EXPECT_EQ(w.count(), 0u);
}

TEST(Expiry, OfZeroIsNever) {
  Watched w(0s);
  Family<Counter>("tasks", "", {"type"}, w.options()).labels("a").inc();
  w.shown(0s, "tasks");
  EXPECT_EQ(w.shown(1000h, "tasks"), Names{"a"});
  EXPECT_EQ(w.count(), 0u);
}

// New series move the values of others, and make no one younger.
TEST(Expiry, KnowsSeriesAgainWhenOthersAppear) {
  Watched w(10s);
  const Family<Counter> tasks("tasks", "", {"type"}, w.options());
  tasks.labels("a").inc();
  w.shown(0s, "tasks");
  Family<Counter>("earlier", "", {"type"}, w.options()).labels("x").inc();
  tasks.labels("b").inc();
  EXPECT_EQ(w.shown(6s, "tasks"), (Names{"a", "b"}));
  EXPECT_EQ(w.shown(5s, "tasks"), Names{"b"});
  tasks.labels("c").inc();
  EXPECT_EQ(w.shown(1s, "tasks"), (Names{"b", "c"})) << "a is left out still";
  EXPECT_EQ(w.count(), 1u);
  EXPECT_EQ(w.shown(5s, "tasks"), Names{"c"});
  EXPECT_EQ(w.shown(0s, "earlier"), Names{}) << "its record stands between those of a and b";
}

TEST(Expiry, OfASeriesThatIsMadeAgainBeginsAnew) {
  Watched w(10s);
  const Family<Counter> tasks("tasks", "", {"type"}, w.options());
  tasks.labels("a");
  w.shown(0s, "tasks");
  EXPECT_EQ(w.shown(11s, "tasks"), Names{});
  tasks.remove("a");
  tasks.labels("a");  // 0, as before
  EXPECT_EQ(w.shown(0s, "tasks"), Names{"a"});
  EXPECT_EQ(w.shown(10s, "tasks"), Names{"a"});
  EXPECT_EQ(w.shown(1s, "tasks"), Names{});
}

// Of two series at one place, one after the other, the later one has another time of creation.
TEST(Expiry, OfASeriesInTheRecordOfAnotherBeginsAnew) {
  test::FamiliesBuilder b;
  b.family(format::Type::kCounter, "tasks", "").counter({{"type", "a"}}, 0);
  reader::Families families = b.build();
  families.families.front().series.change(0).record = 4096;
  families.families.front().series.change(0).created_ns = 1;
  Expiry expiry(10s);
  const Expiry::Clock::time_point start{};
  expiry.look(families, start);
  families.shape = reader::new_shape();
  expiry.look(families, start + 11s);
  EXPECT_EQ(expiry.count(), 1u);
  families.shape = reader::new_shape();
  families.families.front().series.change(0).created_ns = 2;
  expiry.look(families, start + 11s);
  EXPECT_EQ(expiry.count(), 0u);
}

// A release with other bounds changes what is shown of an old series, and counts nothing in it.
TEST(Expiry, TakesOtherBoundsForNoChange) {
  Watched w(10s);
  const auto seconds = [&](const Bounds& bounds, const char* type) {
    return Family<Histogram>("seconds", "", {"type"},
                             {.bounds = bounds, .segment = w.segment().segment()})
        .labels(type);
  };
  seconds({1, 2}, "a").observe(1.5);
  w.shown(0s, "seconds");
  seconds({1, 2, 3, 4}, "b").observe(1.5);
  EXPECT_EQ(w.shown(6s, "seconds"), (Names{"a", "b"}));
  EXPECT_EQ(w.shown(5s, "seconds"), Names{"b"});
}

// Encoders keep their text as long as the shape stays.
TEST(Expiry, KeepsTheShapeWhileTheSameSeriesAreShown) {
  Watched w(10s);
  const Family<Counter> tasks("tasks", "", {"type"}, w.options());
  const Counter busy = tasks.labels("busy");
  tasks.labels("idle").inc();
  w.shown(0s, "tasks");
  const std::uint64_t both = w.shape();
  busy.inc();
  w.shown(5s, "tasks");
  EXPECT_EQ(w.shape(), both);
  w.shown(6s, "tasks");
  const std::uint64_t one = w.shape();
  EXPECT_NE(one, both);
  busy.inc();
  w.shown(1s, "tasks");
  EXPECT_EQ(w.shape(), one);
  tasks.labels("idle").inc();
  w.shown(1s, "tasks");
  EXPECT_NE(w.shape(), one);
}

}  // namespace
}  // namespace metrics::scrape
