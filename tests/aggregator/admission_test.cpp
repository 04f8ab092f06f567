#include "aggregator/admission.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <thread>
#include <vector>

namespace metrics::aggregator {
namespace {

using namespace std::chrono_literals;

TEST(Admission, SeatsAsManyVisitsAsThereAreSeats) {
  Admission admission(2);
  Admission::Visit first(admission);
  Admission::Visit standing(admission);
  EXPECT_TRUE(first.sit());
  {
    Admission::Visit second(admission);
    EXPECT_TRUE(second.sit());
    EXPECT_FALSE(standing.sit());
  }
  EXPECT_TRUE(standing.sit());
}

TEST(Admission, NeverSeatsMoreThanThereAreSeats) {
  constexpr int kSeats = 3;
  constexpr int kThreads = 8;
  Admission admission(kSeats);
  std::atomic<int> seated = 0;
  std::atomic<int> most = 0;
  std::latch start(kThreads);
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      start.arrive_and_wait();
      for (int i = 0; i < 20'000; ++i) {
        Admission::Visit visit(admission);
        if (!visit.sit()) continue;
        const int now = ++seated;
        for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        --seated;
      }
    });
  }
  threads.clear();
  EXPECT_LE(most, kSeats);
  EXPECT_TRUE(admission.wait_until_empty(0ms));
}

TEST(Admission, WaitsForVisitsThatCameBeforeClosing) {
  Admission admission(1);
  auto early = std::make_unique<Admission::Visit>(admission);
  EXPECT_FALSE(early->came_after_closing());
  admission.close();
  EXPECT_FALSE(admission.wait_until_empty(1ms));
  EXPECT_TRUE(Admission::Visit(admission).came_after_closing());
  std::future<bool> empty =
      std::async(std::launch::async, [&admission] { return admission.wait_until_empty(60s); });
  early.reset();
  EXPECT_TRUE(empty.get());
}

}  // namespace
}  // namespace metrics::aggregator
