#include "aggregator/http/admission.h"

#include <gtest/gtest.h>

#include <latch>
#include <memory>
#include <thread>
#include <vector>

namespace metrics::http {
namespace {

TEST(Admission, SeatsAsManyVisitsAsThereAreSeats) {
  Admission admission(2);
  Admission::Visit first(admission);
  Admission::Visit standing(admission);
  EXPECT_TRUE(first.admit());
  {
    Admission::Visit second(admission);
    EXPECT_TRUE(second.admit());
    EXPECT_FALSE(standing.admit());
  }
  EXPECT_TRUE(standing.admit());
}

TEST(Admission, LosesNoSeatAndInventsNoneWhenManyComeAndGo) {
  constexpr int kSeats = 3;
  constexpr int kThreads = 4;
  Admission admission(kSeats);
  std::latch start(kThreads);
  std::vector<std::jthread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      start.arrive_and_wait();
      for (int i = 0; i < 200'000; ++i) Admission::Visit(admission).admit();
    });
  }
  threads.clear();
  EXPECT_EQ(admission.visits(), 0);
  std::vector<std::unique_ptr<Admission::Visit>> visits;
  while (visits.size() <= kSeats) {
    visits.push_back(std::make_unique<Admission::Visit>(admission));
    EXPECT_EQ(visits.back()->admit(), visits.size() <= kSeats) << visits.size();
  }
}

TEST(Admission, CountsVisitsAndTellsWhichCameAfterClosing) {
  Admission admission(1);
  const Admission::Visit early(admission);
  admission.close();
  EXPECT_EQ(admission.visits(), 1);
  EXPECT_FALSE(early.came_after_closing());
  EXPECT_TRUE(Admission::Visit(admission).came_after_closing());
  EXPECT_EQ(admission.visits(), 1);
}

}  // namespace
}  // namespace metrics::http
