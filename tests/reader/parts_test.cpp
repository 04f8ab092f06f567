// Work that is divided among threads is done whole, and fails as it would in one.
#include "libmetrics/reader/parts.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>

namespace metrics::reader {
namespace {

TEST(Parts, AreAsManyAsAreWorthAThreadAndAllowed) {
  const Threads threads{.most = 3, .least_work = 10};
  EXPECT_EQ(threads.parts(0), 1u);
  EXPECT_EQ(threads.parts(19), 1u);
  EXPECT_EQ(threads.parts(20), 2u);
  EXPECT_EQ(threads.parts(1000), 3u);
  EXPECT_EQ(Threads{}.parts(~std::size_t{0}), 1u);
}

TEST(Parts, AreEachDoneOnceTheFirstInTheCallersThread) {
  std::array<std::atomic<int>, 5> done{};
  std::thread::id first;
  in_parts(done.size(), [&](std::size_t part) {
    ++done[part];
    if (part == 0) first = std::this_thread::get_id();
  });
  for (const auto& times : done) EXPECT_EQ(times, 1);
  EXPECT_EQ(first, std::this_thread::get_id());
}

TEST(Parts, ThrowWhatTheFirstOfThemThatFailedHasThrownOnceAllAreDone) {
  std::atomic<int> done = 0;
  try {
    in_parts(4, [&](std::size_t part) {
      ++done;
      if (part >= 2) throw std::runtime_error("part " + std::to_string(part));
    });
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "part 2");
  }
  EXPECT_EQ(done, 4);
}

}  // namespace
}  // namespace metrics::reader
