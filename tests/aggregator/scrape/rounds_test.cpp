// Requests that wait for the same work share it, and none gets what was begun before it came.
#include "aggregator/scrape/rounds.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/support/eventually.h"
#include "tests/support/gate.h"

namespace metrics::scrape {
namespace {

using test::eventually;
using test::Gate;

// Work that takes until the test lets it end, and tells how often it was done.
class Work {
 public:
  Rounds::Result operator()() {
    const unsigned number = ++begun_;
    end_.pass();
    if (fails_) throw std::runtime_error("round " + std::to_string(number));
    return std::make_shared<const std::string>(std::to_string(number));
  }
  unsigned begun() const { return begun_; }
  void let_end() { end_.let_pass(); }
  void fail() { fails_ = true; }

 private:
  std::atomic<unsigned> begun_{0};
  std::atomic<bool> fails_{false};
  Gate end_;
};

using Asked = std::vector<std::future<Rounds::Result>>;

// Has that many threads ask at once. They have not all come yet when it returns.
void ask(Rounds& rounds, Work& work, Asked& asked, unsigned threads, std::atomic<unsigned>& coming,
         const std::string& key = "key") {
  for (unsigned i = 0; i < threads; ++i) {
    asked.push_back(std::async(std::launch::async, [&rounds, &work, &coming, key] {
      ++coming;
      return rounds.share(key, [&] { return work(); });
    }));
  }
}

TEST(Rounds, ManyThatWaitShareOneResultThatWasBegunAfterTheyCame) {
  Rounds rounds;
  Work work;
  Asked first, others;
  std::atomic<unsigned> coming{0};
  ask(rounds, work, first, 1, coming);
  ASSERT_TRUE(eventually([&] { return work.begun() == 1; }));
  ask(rounds, work, others, 40, coming);
  ASSERT_TRUE(eventually([&] { return coming == 41; }));
  work.let_end();
  EXPECT_EQ(*first.front().get(), "1");
  ASSERT_TRUE(eventually([&] { return work.begun() == 2; }));
  for (int i = 0; i < 40; ++i) work.let_end();  // one that came late has a round of its own
  for (auto& other : others) EXPECT_NE(*other.get(), "1") << "it came when that was under way";
  // How many come late is the machine's business; if nothing was shared, each had its own.
  EXPECT_LT(work.begun(), 41u) << "41 asked";
}

TEST(Rounds, OfDifferentKeysHaveTurnsOfTheirOwn) {
  Rounds rounds;
  Work work;
  Asked asked;
  std::atomic<unsigned> coming{0};
  for (const char* key : {"a", "b", "c"}) ask(rounds, work, asked, 1, coming, key);
  for (int i = 0; i < 3; ++i) work.let_end();
  for (auto& one : asked) static_cast<void>(one.get());
  EXPECT_EQ(work.begun(), 3u);
}

TEST(Rounds, ThatFailFailForAllThatShareThem) {
  Rounds rounds;
  Work work;
  Asked asked;
  std::atomic<unsigned> coming{0};
  work.fail();
  ask(rounds, work, asked, 5, coming);
  for (int i = 0; i < 5; ++i) work.let_end();
  for (auto& one : asked) EXPECT_THROW(one.get(), std::runtime_error);
  EXPECT_THROW(rounds.alone([] { throw std::runtime_error("alone"); }), std::runtime_error);
  bool done = false;
  rounds.alone([&] { done = true; });
  EXPECT_TRUE(done) << "no turn was left taken";
}

}  // namespace
}  // namespace metrics::scrape
