#include "tools/inspect/top/history.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "libmetrics/format/native.h"
#include "tools/inspect/top/quantile.h"

namespace metrics::inspect::top {
namespace {

using format::Type;

// A picture with one series of one family.
Picture picture(double at, std::uint64_t shape, reader::Family family,
                std::vector<std::uint64_t> values, std::uint64_t record = 8) {
  Picture p;
  p.at = at;
  p.id = 1;
  p.families.shape = shape;
  family.series = {{{}, 0, record, 1}};
  p.families.families = {std::move(family)};
  p.families.values = std::move(values);
  return p;
}

Picture counter(double at, std::uint64_t whole, std::uint64_t shape = 1, std::uint64_t record = 8) {
  return picture(at, shape, {"tasks", "", "", Type::kCounter, {}, {}}, {whole, 0}, record);
}

TEST(History, HasTheRateOfTheLastIntervalAndAveragesOfTenAndAHundredSeconds) {
  History h;
  h.add(counter(100, 0));
  EXPECT_FALSE(h.has_rates());
  EXPECT_TRUE(std::isnan(h.series().at(0).rate.now));
  h.add(counter(102, 20));
  EXPECT_EQ(h.series().at(0).rate.now, 10);
  EXPECT_EQ(h.series().at(0).rate.over_10, 10);
  h.add(counter(104, 100));
  EXPECT_EQ(h.series().at(0).rate.now, 40);
  EXPECT_EQ(h.series().at(0).rate.over_10, 25) << "of all time, as long as that is less";
  EXPECT_EQ(h.series().at(0).rate.over_100, 25);
  for (int i = 0; i < 98; ++i) h.add(counter(106 + 2 * i, 100));
  EXPECT_LT(h.series().at(0).rate.over_10, 0.01);
  EXPECT_NEAR(h.series().at(0).rate.over_100, 100. / 100 * std::exp(-1), 0.2);
}

TEST(History, ForgetsAveragesWhenAsked) {
  History h;
  h.add(counter(0, 0));
  h.add(counter(1, 100));
  h.restart();
  h.add(counter(2, 101));
  EXPECT_EQ(h.series().at(0).rate.over_100, 1);
}

TEST(History, CountsASeriesThatBeganAnewFromZero) {
  History h;
  h.add(counter(0, 100));
  h.add(counter(1, 30, 2, 16));
  EXPECT_EQ(h.series().at(0).rate.now, 30) << "another record: the old one was removed";
  h.add(counter(2, 10, 2, 16));
  EXPECT_EQ(h.series().at(0).rate.now, 10) << "less than before";
  Picture other = counter(3, 500, 3, 16);
  other.id = 2;
  h.add(std::move(other));
  EXPECT_EQ(h.series().at(0).rate.now, 500) << "another segment of that name";
}

TEST(History, CountsAFractionalCounterThatIsLessThanBeforeFromZero) {
  const auto fraction = [](double at, double value) {
    return picture(at, 1, {"tasks", "", "", Type::kCounter, {}, {}},
                   {0, std::bit_cast<std::uint64_t>(value)});
  };
  History h;
  h.add(fraction(0, 5.5));
  h.add(fraction(1, 2.5));
  EXPECT_EQ(h.series().at(0).rate.now, 2.5);
}

TEST(History, CountsASeriesThatWasMadeAnewInItsRecordFromZero) {
  History h;
  h.add(counter(0, 10));
  Picture anew = counter(1, 30, 2);
  anew.families.families[0].series = {{{}, 0, 8, 2}};
  h.add(std::move(anew));
  EXPECT_EQ(h.series().at(0).rate.now, 30);
}

TEST(History, CountsAHistogramWithOtherBoundsFromZero) {
  const auto sum = std::bit_cast<std::uint64_t>(0.);
  History h;
  h.add(picture(0, 1, {"wait", "", "", Type::kHistogram, {1, 2}, {}}, {10, 0, 0, sum}));
  h.add(picture(1, 2, {"wait", "", "", Type::kHistogram, {1, 3}, {}}, {30, 0, 0, sum}));
  EXPECT_EQ(h.series().at(0).rate.now, 30);
}

TEST(History, KeepsRatesOverAChangeOfShapeAndOverASegmentThatCantBeRead) {
  History h;
  h.add(counter(0, 0));
  h.add(counter(1, 10));
  h.add(counter(2, 20, 2));
  EXPECT_EQ(h.series().at(0).rate.now, 10);
  Picture broken;
  broken.at = 3;
  broken.why = "is gone";
  h.add(std::move(broken));
  EXPECT_EQ(h.latest().why, "is gone");
  h.add(counter(4, 40, 2));
  EXPECT_EQ(h.series().at(0).rate.now, 10);
}

TEST(History, IsExactWhereADoubleIsNot) {
  History h;
  constexpr std::uint64_t kLarge = std::uint64_t{1} << 60;
  h.add(counter(0, kLarge));
  h.add(counter(1, kLarge + 3));
  EXPECT_EQ(h.series().at(0).rate.now, 3);
  EXPECT_EQ(h.series().at(0).value_text, "1152921504606846979");
}

TEST(History, HasQuantilesOfWhatWasObservedInTheInterval) {
  const reader::Family wait{"wait_seconds", "", "", Type::kHistogram, {1, 2, 4}, {}};
  const auto sum = std::bit_cast<std::uint64_t>(7.);
  History h;
  h.add(picture(0, 1, wait, {1000, 0, 0, 0, sum}));
  h.add(picture(1, 1, wait, {1000, 0, 10, 0, sum}));
  EXPECT_EQ(h.series().at(0).p50, 3);
  EXPECT_EQ(h.series().at(0).p99, 3.98);
  EXPECT_EQ(h.series().at(0).rate.now, 10);
  EXPECT_EQ(h.series().at(0).value_text, "1010");
  h.add(picture(2, 1, wait, {1000, 0, 10, 0, sum}));
  EXPECT_TRUE(std::isnan(h.series().at(0).p50)) << "nothing was observed";
}

TEST(History, HasFineQuantilesOfNativeBuckets) {
  reader::Family wait{"wait_seconds", "", "", Type::kHistogram, {1}, {}};
  wait.native = format::Native{3, -2, 2, false};
  wait.positions = format::positions_of(wait.bounds, wait.native);
  const std::vector<double> grid = format::grid_of(wait.bounds, wait.native);
  std::vector<std::uint64_t> values(grid.size() + 2);
  History h;
  h.add(picture(0, 1, wait, values));
  values[20] = 100;
  h.add(picture(1, 1, wait, values));
  EXPECT_GT(h.series().at(0).p50, grid[19]);
  EXPECT_LT(h.series().at(0).p50, grid[20]);
  EXPECT_LT(grid[20] / grid[19], 1.1);
}

TEST(Quantile, IsWhatPromqlMakesOfTheSameBuckets) {
  const std::vector<double> bounds = {0.1, 0.5, 1};
  EXPECT_DOUBLE_EQ(quantile(0.5, bounds, std::vector<std::uint64_t>{10, 10, 0, 0}), 0.1);
  EXPECT_DOUBLE_EQ(quantile(0.25, bounds, std::vector<std::uint64_t>{10, 10, 0, 0}), 0.05);
  EXPECT_DOUBLE_EQ(quantile(0.99, bounds, std::vector<std::uint64_t>{0, 0, 1, 99}), 1)
      << "nobody knows how far above the highest bound";
  EXPECT_DOUBLE_EQ(quantile(0.5, std::vector<double>{-1, 1}, std::vector<std::uint64_t>{4, 0, 0}),
                   -1);
}

Picture worker(double at, std::uint64_t generation, double events, std::uint64_t fingerprint) {
  Picture p = counter(at, 0);
  Process process{};
  process.slot = {reader::SlotReport::State::kLive, false, {}};
  process.slot.head.slot = 1;
  process.slot.head.pid = 77;
  process.slot.head.generation = generation;
  process.slot.head.claimed_ns = 1000;
  process.events = events;
  process.fingerprint = fingerprint;
  p.processes = {process};
  return p;
}

TEST(History, KnowsHowLongAWorkerHasChangedNothing) {
  History h;
  h.add(worker(10, 1, 5, 1));
  EXPECT_FALSE(h.workers().at(0).has_moved);
  h.add(worker(12, 1, 5, 1));
  EXPECT_FALSE(h.workers().at(0).has_moved) << "not as long as anybody has looked";
  EXPECT_EQ(h.workers().at(0).quiet_for, 2);
  h.add(worker(13, 1, 5, 2));
  EXPECT_TRUE(h.workers().at(0).has_moved) << "a gauge, which is no event";
  EXPECT_EQ(h.workers().at(0).quiet_for, 0);
  EXPECT_EQ(h.workers().at(0).rate.now, 0);
  h.add(worker(17, 1, 5, 2));
  EXPECT_EQ(h.workers().at(0).quiet_for, 4);
  h.add(worker(18, 1, 8, 3));
  EXPECT_EQ(h.workers().at(0).rate.now, 3);
}

TEST(History, HasNoNegativeRateOfAWorkerWhoseSeriesWereRemoved) {
  History h;
  h.add(worker(0, 1, 100, 1));
  h.add(worker(1, 1, 40, 2));
  EXPECT_EQ(h.workers().at(0).rate.now, 0);
}

TEST(History, GivesTheNextOwnerOfASlotAveragesOfItsOwn) {
  History h;
  h.add(worker(0, 1, 0, 1));
  h.add(worker(1, 1, 1000, 2));
  h.add(worker(2, 2, 1001, 3));
  EXPECT_EQ(h.workers().at(0).rate.over_100, 1);
}

TEST(History, NamesWhatWasRefusedOfAProcessButNotOfAnEarlierOneOfItsPid) {
  const auto with_drop = [](std::uint64_t pid, std::uint64_t when) {
    Picture p = worker(0, 1, 0, 1);
    p.drops = {{format::kDropReasons[5], 3, 500, {when, pid, 1, "tasks"}, true}};
    History h;
    h.add(std::move(p));
    return h.workers().at(0).refused;
  };
  using Reasons = std::vector<std::string>;
  EXPECT_EQ(with_drop(77, 2000), Reasons{"cells_full"});
  EXPECT_EQ(with_drop(78, 2000), Reasons{});
  EXPECT_EQ(with_drop(77, 500), Reasons{}) << "before it claimed its slot";
}

}  // namespace
}  // namespace metrics::inspect::top
