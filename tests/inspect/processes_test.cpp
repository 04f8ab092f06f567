// Which slots are a process's, and by what name a pid is known.
#include "tools/inspect/processes.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "libmetrics/reader/space_report.h"
#include "tests/support/living.h"
#include "tests/support/patch.h"
#include "tests/support/temp_segment.h"

namespace metrics::inspect {
namespace {

TEST(Processes, HaveNotCountedWhatAThreadOfTheirSlotsEarlierOwnerHas) {
  test::TempSegment t;
  Counter tasks = t.counter("tasks");
  const pid_t first = test::forked([&] {
    tasks.inc(2);
    std::thread([&] {
      tasks.inc(100);
      ::_exit(0);  // so that the thread's slot is not given back
    }).join();
  });
  ASSERT_EQ(test::ended(first), 0);
  tasks.inc(1);
  reader::Reader reader(t.file());
  ASSERT_TRUE(reader.look()) << reader.why();
  const auto counts = reader::family_counts(reader);
  const auto counted = Processes(reader).counted(*reader.catalogue(), counts);
  ASSERT_EQ(counted.size(), 1u);
  EXPECT_EQ(counted[0].slot.head.generation, 2u);
  EXPECT_EQ(counted[0].events, 3) << "the slot's, and not the lane's";
}

TEST(Processes, AreKnownByTheCommandOfTheLastOneThatHadTheirPid) {
  test::TempSegment t;
  Counter tasks = t.counter("tasks");
  tasks.inc();
  const test::Living other([&] { tasks.inc(); });
  test::Patch patch(t.file());
  const auto is_now = [&](format::SlotIndex slot, std::uint64_t claimed, const char* command) {
    format::Head& head = patch.head(slot);
    head.pid = static_cast<std::uint64_t>(::getpid());
    head.claimed_ns = claimed;
    std::uint64_t words[2] = {};
    std::memcpy(words, command, std::strlen(command));
    for (std::size_t i = 0; i < 2; ++i) head.command[i] = words[i];
  };
  const auto registrant = [&] {
    reader::Reader reader(t.file());
    EXPECT_TRUE(reader.look()) << reader.why();
    return Processes(reader).registrants(reader::space_report(reader).at(0));
  };
  const std::string pid = std::to_string(::getpid());
  is_now(1, 2000, "later");
  is_now(2, 1000, "earlier");
  EXPECT_EQ(registrant(), pid + " later: the family, 1 series");
  is_now(2, 3000, "latest");
  EXPECT_EQ(registrant(), pid + " latest: the family, 1 series");
}

}  // namespace
}  // namespace metrics::inspect
