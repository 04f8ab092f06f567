// Whose password it is, and what asking costs.
#include "aggregator/web/passwords.h"

#include <crypt.h>
#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace metrics::web {
namespace {

using Answer = Passwords::Answer;

std::string hash_of(const std::string& password, unsigned cost = 4) {
  const auto data = std::make_unique<crypt_data>();
  const char* const setting =
      ::crypt_gensalt_rn("$2y$", cost, "0123456789abcdef", 16, data->setting, sizeof data->setting);
  return ::crypt_r(password.c_str(), setting, data.get());
}

Users users() { return {{"alice", hash_of("right")}, {"bob", hash_of("other", 5)}}; }

// Nanoseconds of this thread's own work.
std::int64_t cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

// Returns the least of several costs: what interrupts the thread counts as its work.
template <class Cost>
std::int64_t least(Cost cost) {
  std::int64_t all = cost();
  for (int i = 0; i < 20; ++i) all = std::min(all, cost());
  return all;
}

TEST(Passwords, AreRightForTheirUserOnly) {
  Passwords passwords;
  EXPECT_EQ(passwords.check(users(), "alice", "right"), Answer::kRight);
  EXPECT_EQ(passwords.check(users(), "alice", "right"), Answer::kRight) << "remembered";
  EXPECT_EQ(passwords.check(users(), "bob", "other"), Answer::kRight);
  for (const char* wrong : {"", "wrong", "Right", "right ", "other"}) {
    EXPECT_EQ(passwords.check(users(), "alice", wrong), Answer::kWrong) << wrong;
  }
  EXPECT_EQ(passwords.check(users(), "bob", "right"), Answer::kWrong);
  EXPECT_EQ(passwords.check({}, "alice", "right"), Answer::kWrong);
}

TEST(Passwords, AreNeverThoseOfAUserThatDoesNotExist) {
  Passwords passwords;
  // Each stand-in is somebody's: that password must not let another name in.
  for (const char* name : {"", "Alice", "mallory", "eve", "x", "y", "z"}) {
    for (const char* password : {"right", "other"}) {
      EXPECT_EQ(passwords.check(users(), name, password), Answer::kWrong) << name;
    }
  }
}

TEST(Passwords, DontEndAtAZeroByte) {
  Passwords passwords;
  EXPECT_EQ(passwords.check(users(), "alice", std::string("right\0more", 10)), Answer::kWrong);
}

TEST(Passwords, AreForgottenWithTheirHash) {
  Passwords passwords;
  EXPECT_EQ(passwords.check(users(), "alice", "right"), Answer::kRight);
  EXPECT_EQ(passwords.check({{"alice", hash_of("new")}}, "alice", "right"), Answer::kWrong);
  EXPECT_EQ(passwords.check({{"alice", hash_of("new")}}, "alice", "new"), Answer::kRight);
}

TEST(Passwords, CostAHashWhenTheyAreWrongWhetherTheUserExistsOrNot) {
  const Users known = {{"alice", hash_of("right", 10)}};
  Passwords passwords;
  const auto cost = [&](const char* name, const char* password) {
    const std::int64_t begin = cpu_ns();
    passwords.check(known, name, password);
    return cpu_ns() - begin;
  };
  cost("alice", "right");
  const std::int64_t remembered = least([&] { return cost("alice", "right"); });
  for (int i = 0; i < 2; ++i) {  // the second time, too: a wrong one is not remembered
    EXPECT_GT(cost("alice", "wrong"), 20 * remembered);
    EXPECT_GT(cost("mallory", "wrong"), 20 * remembered);
  }
}

TEST(Passwords, AreRememberedUpToABound) {
  const std::string hash = hash_of("right");
  Users crowd;
  for (int i = 0; i < 1000; ++i) crowd.emplace("user" + std::to_string(i), hash);
  Passwords passwords;
  const auto cost = [&](const std::string& name) {
    const std::int64_t begin = cpu_ns();
    EXPECT_EQ(passwords.check(crowd, name, "right"), Answer::kRight);
    return cpu_ns() - begin;
  };
  for (const auto& [name, same] : crowd) cost(name);
  const std::int64_t remembered = least([&] { return cost("user0"); });
  crowd.emplace("one more", hash);
  cost("one more");
  EXPECT_GT(cost("user0"), 10 * remembered);
}

// Four threads ask at once: one makes its hash, two wait, and one is sent away. Meanwhile, who was
// right before is let in.
TEST(Passwords, LetFewWaitAndThoseWhoAreKnownPass) {
  const Users slow = {{"alice", hash_of("right", 10)}};
  Passwords passwords;
  ASSERT_EQ(passwords.check(slow, "alice", "right"), Answer::kRight);
  std::atomic<int> busy{0}, wrong{0}, right{0};
  while (busy == 0) {
    std::vector<std::thread> crowd;
    for (int i = 0; i < 8; ++i) {
      crowd.emplace_back([&, i] {
        const Answer answer = passwords.check(slow, "alice", "wrong" + std::to_string(i));
        ++(answer == Answer::kBusy ? busy : answer == Answer::kWrong ? wrong : right);
        EXPECT_EQ(passwords.check(slow, "alice", "right"), Answer::kRight);
      });
    }
    for (std::thread& thread : crowd) thread.join();
  }
  EXPECT_GT(wrong, 0);
  EXPECT_EQ(right, 0);
}

}  // namespace
}  // namespace metrics::web
