// An info is a fact of living processes.
#include <gtest/gtest.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

#include "tests/support/eventually.h"
#include "tests/support/living.h"
#include "tests/support/patch.h"
#include "tests/support/temp_segment.h"

namespace metrics::test {
namespace {

void state(const TempSegment& t, const std::string& version, Mode mode = Mode::kAll) {
  Family<Info>("build", "", {.segment = t.segment(), .mode = mode}).state({{"version", version}});
}

TEST(Infos, AreShownAsLongAsAProcessLivesThatStatesThem) {
  TempSegment t;
  Living old([&] { state(t, "1"); });
  Living young([&] { state(t, "2"); });
  Living another([&] { state(t, "1"); });
  EXPECT_TRUE(t.scrape().has("build", {"1"}));
  EXPECT_TRUE(t.scrape().has("build", {"2"}));
  old.kill();
  EXPECT_TRUE(t.scrape().has("build", {"1"}));
  another.end();
  EXPECT_TRUE(eventually([&] { return !t.scrape().has("build", {"1"}); }));
  EXPECT_TRUE(t.scrape().has("build", {"2"}));
  young.end();
  EXPECT_TRUE(eventually([&] { return t.scrape().series_count("build") == 0; }));
}

TEST(Infos, OfAParentAreStatedByItsChildrenWithTheirFirstUpdate) {
  TempSegment t;
  Gate update, updated, end;
  Living parent([&] {
    state(t, "1");
    const Counter tasks = t.counter("tasks");
    if (::fork() == 0) {  // it outlives its parent, but no gate waits forever
      update.pass();
      tasks.inc();
      updated.let_pass();
      end.pass();
      ::_exit(0);
    }
  });
  parent.end();
  EXPECT_TRUE(eventually([&] { return !t.scrape().has("build", {"1"}); }));
  update.let_pass();
  updated.pass();
  EXPECT_TRUE(t.scrape().has("build", {"1"}));
  end.let_pass();
  EXPECT_TRUE(eventually([&] { return !t.scrape().has("build", {"1"}); }));
}

TEST(Infos, OfModeMostRecentLeaveTheLastStatementBehind) {
  TempSegment t;
  started([&] { state(t, "1", Mode::kMostRecent); });
  EXPECT_TRUE(t.scrape().has("build", {"1"}));
  started([&] { state(t, "2", Mode::kMostRecent); });
  EXPECT_FALSE(t.scrape().has("build", {"1"}));
  EXPECT_TRUE(t.scrape().has("build", {"2"}));
  Living old([&] { state(t, "1", Mode::kMostRecent); });
  started([&] { state(t, "3", Mode::kMostRecent); });
  EXPECT_TRUE(t.scrape().has("build", {"1"}));  // the one that a living process states
  EXPECT_EQ(t.scrape().series_count("build"), 1u);
  old.end();
  EXPECT_TRUE(eventually([&] { return t.scrape().has("build", {"3"}); }));
  EXPECT_EQ(t.scrape().series_count("build"), 1u);
}

TEST(Infos, OfAnotherModeAreAnotherEdition) {
  TempSegment t;
  started([&] { state(t, "1"); });
  started([&] { state(t, "2", Mode::kMostRecent); });
  EXPECT_TRUE(t.scrape().has("build", {"2"}));
  EXPECT_EQ(t.scrape().series_count("build"), 1u);
}

// An empty label value is the same as no label.
TEST(Infos, WithAndWithoutAnEmptyFactAreOne) {
  TempSegment t;
  const Family<Info> build("build", "", t.options());
  build.state({{"version", "1"}});
  build.state({{"version", "1"}, {"commit", ""}});
  EXPECT_EQ(t.scrape().series_count("build"), 1u);
}

// Labels have no order. This library writes facts sorted; other writers of the format may not.
TEST(Infos, WithTheirFactsInAnotherOrderAreOne) {
  TempSegment t;
  const Family<Info> build("build", "", t.options());
  build.state({{"b", "1"}, {"a", "2"}});
  build.state({{"a", "2"}, {"b", "1"}});
  EXPECT_EQ(t.scrape().series_count("build"), 1u);
  build.state({{"c", "1"}, {"d", "2"}});
  EXPECT_EQ(t.scrape().series_count("build"), 2u);
  constexpr int kString = 5;  // a length of four bytes, and a character
  char* first = Patch(t.file()).label("build", "c");
  first[0] = 'b';
  first[2 * kString] = 'a';
  EXPECT_EQ(t.scrape().series_count("build"), 1u);
  EXPECT_TRUE(t.scrape().has("build", {"2", "1"}));
}

TEST(Infos, OfAProcessWithoutASlotAreDroppedAndCounted) {
  TempSegment t({1, 1, 256, 16384});
  Living first([&] { state(t, "1"); });
  started([&] { state(t, "2"); });
  EXPECT_TRUE(t.scrape().has("build", {"1"}));
  EXPECT_FALSE(t.scrape().has("build", {"2"}));
  EXPECT_EQ(t.scrape().dropped(format::Drop::kGaugeWithoutSlot), 1u);
  first.end();
}

TEST(Infos, HaveNoOtherModes) {
  TempSegment t;
  EXPECT_THROW(state(t, "1", Mode::kSum), std::invalid_argument);
}

}  // namespace
}  // namespace metrics::test
