// What registering a series costs where much of a segment is used, and series were removed: it
// looks for what they have left, and no further than that is worth.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "libmetrics/update/own_slots.h"
#include "tests/support/patch.h"
#include "tests/support/temp_segment.h"

namespace metrics::test {
namespace {

constexpr std::uint64_t kDirectoryBytes = 128 * 1024;
constexpr Geometry kFewBytes = {8, 8, 1 << 16, kDirectoryBytes};
constexpr std::uint64_t kFewChains = 4;

std::string nth(unsigned i) { return "/user/" + std::to_string(1000 + i); }

// The segment's header, as others see it.
format::Header& header(const TempSegment& t) { return Patch(t.file()).header(); }

// Uses more than half of the directory, and leaves room in it.
void fill_mostly(const TempSegment& t, const Family<Counter>& requests) {
  const format::Header& h = header(t);
  for (unsigned i = 0; h.directory_used < kDirectoryBytes * 6 / 10; ++i) {
    requests.labels(nth(i)).inc();
  }
}

// Removes a series whose room suits none of the others: whoever looks for one finds none.
void leave_what_suits_nobody(const Family<Counter>& requests) {
  const std::string large(1000, 'x');
  requests.labels(large).inc();
  requests.remove(large);
}

TEST(MostlyUsed, ANewSeriesIsLookedForThroughAFewChains) {
  TempSegment t(kFewBytes);
  const Family<Counter> requests("requests", "", {"path"}, t.options());
  leave_what_suits_nobody(requests);
  fill_mostly(t, requests);
  const format::Header& h = header(t);
  for (unsigned i = 0; i < 20; ++i) {
    const std::uint64_t before = h.hand;
    requests.labels("/other/" + nth(i)).inc();
    EXPECT_GT(h.hand, before);
    EXPECT_LE(h.hand, before + kFewChains);
  }
}

// Of what others have left it can take anything but the record itself.
TEST(MostlyUsed, ASeriesForWhoseRecordThereIsNoRoomIsLookedForNowhere) {
  TempSegment t(kFewBytes);
  const Family<Counter> requests("requests", "", {"path"}, t.options());
  leave_what_suits_nobody(requests);
  unsigned i = 0;
  while (t.scrape().dropped(format::Drop::kDirectoryFull) == 0) requests.labels(nth(i++)).inc();
  const format::Header& h = header(t);
  const std::uint64_t before = h.hand;
  for (unsigned more = 0; more < 20; ++more) requests.labels(nth(i++)).inc();
  EXPECT_GE(t.scrape().dropped(format::Drop::kDirectoryFull), 20u);
  EXPECT_EQ(h.hand, before);
}

const update::Handles& handles(const TempSegment& t) {
  for (std::uint32_t i = 0;; ++i) {
    update::OwnSlots& own = *update::own_slots_at(i);
    if (own.segment().file() == t.file()) return own.handles();
  }
}

// A look at all handles takes as long as there are many.
TEST(MostlyUsed, TakingWhatAnotherSeriesHasLeftIsNoReasonToLookAtAllHandles) {
  TempSegment t(kFewBytes);
  const Family<Counter> requests("requests", "", {"path"}, t.options());
  fill_mostly(t, requests);
  const format::Header& h = header(t);
  unsigned given = 0;
  for (unsigned i = 0; i < 50; ++i) {
    requests.remove(nth(i));
    const std::uint64_t removed = h.clock;
    requests.labels(nth(5000 + i)).inc();  // needs as much room
    given += h.clock > removed ? 1 : 0;
    EXPECT_EQ(handles(t).looked(), h.clock) << "in round " << i;
  }
  EXPECT_GT(given, 0u) << "no record has given anything";
}

// A record stays in its chain, and directory and chains are of one size for good. Two fifths of
// what has room live all the time.
TEST(MostlyUsed, NothingIsRefusedHoweverManySeriesComeAndGo) {
  TempSegment t({8, 8, 1 << 16, 1 << 20});
  const Family<Counter> requests("requests", "", {"path"}, t.options());
  constexpr unsigned kLive = 2'500, kRounds = 50'000;
  for (unsigned i = 0; i < kLive; ++i) requests.labels(nth(i)).inc();
  for (unsigned i = 0; i < kRounds; ++i) {
    requests.remove(nth(i));
    requests.labels(nth(kLive + i)).inc();
  }
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.dropped(format::Drop::kDirectoryFull), 0u);
  EXPECT_EQ(scrape.series_count("requests"), kLive);
}

}  // namespace
}  // namespace metrics::test
