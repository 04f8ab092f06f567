// What can be asked about a segment's slots without its directory.
#include "libmetrics/reader/slot_report.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>

#include "tests/support/bytes_read.h"
#include "tests/support/gate.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

std::uint64_t live_in_report(const std::string& file) {
  reader::Reader reader(file);
  EXPECT_TRUE(reader.look()) << reader.why();
  const auto report = reader::slot_report(reader);
  return static_cast<std::uint64_t>(std::count_if(
      report.begin(), report.end(),
      [](const auto& slot) { return slot.state == reader::SlotReport::State::kLive; }));
}

std::uint64_t live_by_header(const std::string& file) {
  reader::Reader reader(file);
  EXPECT_TRUE(reader.look_at_header()) << reader.why();
  return reader::count_live_slots(reader);
}

TEST(CountLiveSlots, CountsProcessesAndTheirThreadsThatLiveAndNoOthers) {
  TempSegment t;
  const Counter tasks = t.counter("tasks");
  Gate living, over;
  const pid_t worker = forked([&] {
    tasks.inc();
    std::thread([&] {
      tasks.inc();
      living.let_pass();
      over.pass();
    }).join();
  });
  living.pass();
  const pid_t dead = forked([&] {
    tasks.inc();
    std::thread([&] {
      tasks.inc();
      ::_exit(0);
    }).join();
  });
  EXPECT_EQ(ended(dead), 0);
  EXPECT_EQ(live_by_header(t.file()), 2u);
  EXPECT_EQ(live_in_report(t.file()), 2u);
  over.let_pass();
  EXPECT_EQ(ended(worker), 0);
  EXPECT_EQ(live_by_header(t.file()), 0u);
  EXPECT_EQ(live_in_report(t.file()), 0u);
}

TEST(CountLiveSlots, ReadsNoDirectory) {
  if (bytes_read() == 0) GTEST_SKIP() << "the kernel does not count what is read";
  constexpr std::uint64_t kMost = 256 << 10;  // the directory has more than a megabyte
  TempSegment t({64, 64, 1 << 16, 4 << 20});
  const Family<Counter> tasks("tasks", "", {"number"}, t.options());
  for (unsigned i = 0; i < 10'000; ++i) tasks.labels(std::to_string(i)).inc();
  const std::uint64_t before = bytes_read();
  EXPECT_EQ(live_by_header(t.file()), 1u);
  EXPECT_LT(bytes_read() - before, kMost);
}

}  // namespace
}  // namespace metrics::test
