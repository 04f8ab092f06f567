// Which removed series are held back, by what, and which are free to be used again.
#include "libmetrics/reader/held_back.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "libmetrics/format/file.h"
#include "libmetrics/format/ownership.h"
#include "tests/support/eventually.h"
#include "tests/support/living.h"
#include "tests/support/patch.h"
#include "tests/support/reused.h"
#include "tests/support/temp_segment.h"

namespace metrics::reader {
namespace {

using format::Owner;
using test::Living;
using test::Patch;

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr std::uint64_t kBorn = 10;

// A segment with a removed series that was born at kBorn, and two living processes in its slots: 1
// is this one's, 2 another one's.
class Held : public ::testing::Test {
 protected:
  Held() {
    tasks_.labels("removed").inc();
    other_.emplace([this] { tasks_.labels("stays").inc(); });
    patch_.emplace(t_.file());
    patch_->header().features |= format::kReuse;
    record_ = &patch_->series("tasks", "removed");
    record_->born = kBorn;
    test::Reused(*patch_, *record_).rest();
  }
  void hold(std::uint64_t holder) { record_->holder.store(holder, kRelaxed); }
  // The owner of that slot had handles before, of which the youngest was born then.
  void had_handles(format::SlotIndex slot, std::uint64_t born) {
    patch_->head(slot).since.store(born, kRelaxed);
  }
  // The owner of that slot has looked at those handles then.
  void has_looked(format::SlotIndex slot, std::uint64_t date) {
    patch_->head(slot).ack.store(date, kRelaxed);
  }
  HeldBack found() {
    reader_.emplace(t_.file());
    EXPECT_TRUE(reader_->look()) << reader_->why();
    return held_back(*reader_);
  }
  void expect_free() {
    const HeldBack held = found();
    EXPECT_EQ(held.free, 1u);
    EXPECT_EQ(held.series, 0u);
    EXPECT_TRUE(held.families.empty());
  }
  // Expects the series to be held back by these processes.
  void expect_held_by(const std::vector<std::uint64_t>& pids) {
    const HeldBack held = found();
    EXPECT_EQ(held.free, 0u);
    ASSERT_EQ(held.families.size(), 1u);
    EXPECT_EQ(held.families[0].name, "tasks");
    EXPECT_EQ(held.families[0].of_living, 1u);
    std::vector<std::uint64_t> listed;
    for (const HeadCopy& head : held.families[0].processes) listed.push_back(head.pid);
    EXPECT_EQ(listed, pids);
  }
  std::uint64_t own_pid() const { return static_cast<std::uint64_t>(::getpid()); }
  std::uint64_t other_pid() const { return static_cast<std::uint64_t>(other_->pid()); }

  test::TempSegment t_;
  metrics::Family<Counter> tasks_{"tasks", "", {"name"}, t_.options()};
  std::optional<Living> other_;
  std::optional<Patch> patch_;
  format::SeriesRecord* record_;
  std::optional<Reader> reader_;
};

TEST_F(Held, ASeriesThatNoProcessHasAHandleToIsFree) {
  had_handles(1, kBorn - 1);
  had_handles(2, kBorn - 1);
  expect_free();
}

TEST_F(Held, AHolderThatHasDiedHoldsNothingBackThoughItsSlotHasAnotherOwner) {
  hold(Owner{2, 77}.word());
  expect_free();
  had_handles(1, kBorn);
  expect_free();
}

TEST_F(Held, WhatOneLivingProcessAloneMayHaveAHandleToIsFreeForIt) {
  hold(Owner{2, 1}.word());
  expect_free();
  had_handles(2, kBorn);
  expect_free();
  hold(0);
  expect_free();
}

TEST_F(Held, OfTwoProcessesThatHadHandlesBeforeTheirSlotsEachHoldsItBack) {
  had_handles(1, kBorn);
  had_handles(2, kBorn + 5);
  expect_held_by({own_pid(), other_pid()});
  had_handles(1, kBorn - 1);
  expect_free();
}

TEST_F(Held, AProcessThatHasClaimedItsSlotAfterTheRemovalHoldsNothingBack) {
  const std::uint64_t removed =
      format::rest_of(record_->record.state.load(std::memory_order_relaxed));
  had_handles(1, kBorn);
  had_handles(2, kBorn);
  has_looked(1, removed - 1);
  has_looked(2, removed - 1);
  expect_held_by({own_pid(), other_pid()});
  has_looked(2, removed);
  expect_free();
  hold(Owner{2, 1}.word());  // it has looked the series up after its claim
  expect_held_by({own_pid(), other_pid()});
}

TEST_F(Held, TheHolderAndAProcessThatHadAHandleHoldItBackUntilOneHasEnded) {
  hold(Owner{2, 1}.word());
  had_handles(1, kBorn);
  expect_held_by({own_pid(), other_pid()});
  other_->kill();
  EXPECT_TRUE(test::eventually([this] { return found().free == 1; }));
  expect_free();
}

TEST_F(Held, WhatSeveralHaveLookedUpIsHeldBackWhoeverLives) {
  hold(format::kManyHolders);
  const HeldBack held = found();
  ASSERT_EQ(held.families.size(), 1u);
  EXPECT_EQ(held.families[0].of_several, 1u);
  EXPECT_EQ(held.families[0].of_living, 0u);
  EXPECT_TRUE(held.families[0].processes.empty());
  EXPECT_EQ(held.series, 1u);
}

TEST_F(Held, AProcessWithoutASlotHoldsBackAll) {
  expect_free();
  {
    const format::Descriptor fd(::open(t_.file().c_str(), O_RDWR | O_CLOEXEC));
    auto lock = format::lock_range(test::kSmall.processes + 1, 1, F_RDLCK);
    ASSERT_EQ(::fcntl(fd.get(), F_OFD_SETLK, &lock), 0);
    const HeldBack held = found();
    EXPECT_TRUE(held.has_slotless);
    ASSERT_EQ(held.families.size(), 1u);
    EXPECT_EQ(held.families[0].of_all, 1u);
    EXPECT_EQ(held.free, 0u);
  }
  expect_free();
}

TEST_F(Held, WhereReuseIsDisabledAllIsHeldBack) {
  expect_free();
  EXPECT_FALSE(reuse_is_disabled(reader_->usage()));
  patch_->header().unowned = 1;
  EXPECT_EQ(found().series, 1u);
  EXPECT_TRUE(reuse_is_disabled(reader_->usage()));
  patch_->header().unowned = 0;
  patch_->header().features = 0;
  EXPECT_EQ(found().series, 1u);
  EXPECT_TRUE(reuse_is_disabled(reader_->usage()));
}

TEST_F(Held, ARecordWithoutCellsIsFreeAndOneThatIsNotRestingIsNeither) {
  hold(format::kManyHolders);
  record_->cells_room = record_->room = 0;
  expect_free();
  for (const auto state :
       {format::State::kRemoved, format::State::kTaken, format::State::kCommitting}) {
    record_->record.state.store(format::word_of(state, 1), kRelaxed);
    EXPECT_EQ(found().free, 0u);
    EXPECT_EQ(found().series, 0u);
  }
}

// The catalogue stays; what is held back is read anew.
TEST_F(Held, AReaderSeesAChangeThoughItParsesNothingAnew) {
  expect_free();
  const auto catalogue = reader_->catalogue();
  hold(format::kManyHolders);
  ASSERT_TRUE(reader_->look());
  EXPECT_EQ(reader_->catalogue(), catalogue);
  EXPECT_EQ(held_back(*reader_).series, 1u);
}

TEST_F(Held, AFamilyThatCantBeReadHasNoName) {
  hold(format::kManyHolders);
  record_->family = 8;
  const HeldBack held = found();
  ASSERT_EQ(held.families.size(), 1u);
  EXPECT_EQ(held.families[0].name, "");
}

}  // namespace
}  // namespace metrics::reader
