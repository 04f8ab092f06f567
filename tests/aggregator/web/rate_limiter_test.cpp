#include "aggregator/web/rate_limiter.h"

#include <gtest/gtest.h>

namespace metrics::web {
namespace {

using namespace std::chrono_literals;

TEST(RateLimiter, AdmitsABurstAndThenOneInEachInterval) {
  RateLimiter limiter({.interval = 10s, .burst = 3});
  const RateLimiter::Clock::time_point begin{1h};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limiter.admit(begin)) << i;
  EXPECT_FALSE(limiter.admit(begin));
  EXPECT_FALSE(limiter.admit(begin + 9s));
  EXPECT_TRUE(limiter.admit(begin + 10s));
  EXPECT_FALSE(limiter.admit(begin + 19s));
  EXPECT_TRUE(limiter.admit(begin + 20s));
}

TEST(RateLimiter, SavesNoMoreThanItsBurst) {
  RateLimiter limiter({.interval = 1s, .burst = 2});
  const RateLimiter::Clock::time_point begin{1h};
  EXPECT_TRUE(limiter.admit(begin));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(limiter.admit(begin + 24h)) << i;
  EXPECT_FALSE(limiter.admit(begin + 24h));
}

TEST(RateLimiter, IsNoLimitWithoutAnInterval) {
  RateLimiter limiter({.interval = 0s, .burst = 0});
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(limiter.admit());
}

}  // namespace
}  // namespace metrics::web
