// Removed series that somebody was killed with in the middle of a step, or that a process without a
// slot may still count in.
#include <gtest/gtest.h>

#include <cstdint>

#include "libmetrics/format/layout.h"
#include "libmetrics/format/ownership.h"
#include "tests/support/gate.h"
#include "tests/support/living.h"
#include "tests/support/patch.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

using format::State;

// A family whose series "a" a process has made that has ended. This process owns its slot now, and
// comes to the series' record when it looks up the same label values.
class LeftBehind : public ::testing::Test {
 protected:
  LeftBehind() {
    started([this] { tasks_.labels("a").inc(7); });
    other_.inc();
    record_ = &Patch(t_.file()).series("tasks", "a");
  }
  void leave(State state, std::uint64_t rest) {
    record_->record.state.store(format::word_of(state, rest), std::memory_order_relaxed);
  }
  std::uint64_t version() const { return format::rest_of(record_->record.state); }
  State state() const { return format::state_of(record_->record.state); }

  // Looks the series up twice, and removes it in between: what the first look-up has dated, or
  // found free, the second one takes.
  void expect_used_again() {
    tasks_.labels("a").inc(1);
    EXPECT_EQ(state(), State::kResting);
    const std::uint64_t used = t_.scrape().usage().directory_used;
    tasks_.remove("a");
    tasks_.labels("a").inc(2);
    EXPECT_EQ(state(), State::kLive) << "it is the first in its chain";
    const Scrape scrape = t_.scrape();
    EXPECT_EQ(scrape.usage().directory_used, used);
    EXPECT_EQ(scrape.count("tasks", {"a"}), 2u);
  }

  TempSegment t_;
  const Family<Counter> tasks_{"tasks", "", {"name"}, t_.options()};
  const Counter other_ = t_.counter("other");
  format::SeriesRecord* record_ = nullptr;
};

TEST_F(LeftBehind, ARemovalThatItsProcessWasKilledInIsDatedByWhoComes) {
  leave(State::kRemoved, version());
  expect_used_again();
}

TEST_F(LeftBehind, ARecordThatWasTakenByAProcessThatIsDeadIsBroughtBack) {
  leave(State::kTaken, format::Owner{1, 1}.taker_bits());
  expect_used_again();
}

TEST_F(LeftBehind, ARecordThatALivingProcessHasTakenStaysItsOwn) {
  const Living taker([this] { other_.inc(); });
  const auto heads = t_.scrape().heads();
  const auto generation = static_cast<format::Generation>(heads.at(2).generation);
  leave(State::kTaken, format::Owner{2, generation}.taker_bits());
  tasks_.labels("a").inc(1);
  tasks_.remove("a");
  tasks_.labels("a").inc(2);
  EXPECT_EQ(state(), State::kTaken);
  EXPECT_EQ(t_.scrape().count("tasks", {"a"}), 2u);
}

// Its handle is from before its first update, in which it found no slot; nothing in the segment
// tells of it but a lock.
TEST(WithoutASlot, AProcessHoldsBackWhatItMayHaveAHandleOf) {
  TempSegment t({1, 8, 4096, 64 * 1024});
  const Counter stays = t.counter("stays");
  const Family<Counter> tasks("tasks", "", {"id"}, t.options());
  const Counter inherited = tasks.labels("a");
  inherited.inc();
  Gate begun, made_again;
  const pid_t child = forked([&] {
    stays.inc();
    begun.let_pass();
    made_again.pass();
    inherited.inc(1000);
  });
  begun.pass();
  tasks.remove("a");
  tasks.labels("a").inc(2);
  made_again.let_pass();
  EXPECT_EQ(ended(child), 0);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.first_slots(), 1u);
  EXPECT_EQ(scrape.count("tasks", {"a"}), 2u);
}

}  // namespace
}  // namespace metrics::test
