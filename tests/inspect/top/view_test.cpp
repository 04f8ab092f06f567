#include "tools/inspect/top/view.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tools/inspect/top/columns.h"

namespace metrics::inspect::top {
namespace {

using format::Type;

// Three counters: a has moved by 1, b by 3, and c rests.
History three() {
  History h;
  for (int round = 0; round < 2; ++round) {
    Picture p;
    p.at = round;
    p.file = "/dev/shm/x.v2";
    p.families.shape = 1;
    std::uint64_t first = 0;
    for (const char* name : {"a_bytes", "b", "c"}) {
      p.families.families.push_back({name, "Help of it.", "", Type::kCounter, {}, {}});
      p.families.families.back().series.push_back(std::vector<reader::Label>{{"kind", "x"}},
                                                  {{}, first, 8, 1});
      first += 2;
    }
    const auto moved = static_cast<std::uint64_t>(round);
    p.families.values = {4096 * moved, 0, 3 * moved, 0, 123456789012345678, 0};
    h.add(std::move(p));
  }
  return h;
}

std::string text_of(const Line& line) {
  std::string text;
  for (const Span& span : line) text += span.text;
  return text;
}

std::vector<std::string> names(const History& h, const Choices& choices) {
  std::vector<std::string> names;
  for (const Row& row : table_of(h, choices, 80).rows) {
    names.push_back(row.cells[0].substr(0, row.cells[0].find('{')));
  }
  return names;
}

TEST(View, FillsTheFrameWhateverItsSize) {
  const History h = three();
  for (const auto& [width, height] : {std::pair(80u, 24u), {200u, 60u}, {20u, 5u}, {1u, 1u}}) {
    for (const Page page : {Page::kSeries, Page::kWorkers, Page::kSpace}) {
      for (const bool with_pane : {false, true}) {
        Choices choices;
        choices.page = page;
        choices.shows_pane = with_pane;
        const Frame frame = frame_of(h, choices, width, height);
        ASSERT_EQ(frame.size(), height);
        for (const Line& line : frame) EXPECT_EQ(columns_of(text_of(line)), width);
      }
    }
  }
}

TEST(View, SortsByWhatIsAskedAndFilters) {
  const History h = three();
  Choices choices;
  using Names = std::vector<std::string>;
  EXPECT_EQ(names(h, choices), (Names{"a_bytes", "b", "c"}));
  choices.sort = Sort::kValue;
  EXPECT_EQ(names(h, choices), (Names{"c", "a_bytes", "b"}));
  choices.is_reversed = true;
  EXPECT_EQ(names(h, choices), (Names{"b", "a_bytes", "c"}));
  choices = {};
  choices.hides_rest = true;
  EXPECT_EQ(names(h, choices), (Names{"a_bytes", "b"}));
  choices = {};
  choices.filter = Filter("[ac]*");
  EXPECT_EQ(names(h, choices), (Names{"a_bytes", "c"}));
  choices.filter = Filter("~^b\\{kind=\"x\"\\}$");
  EXPECT_EQ(names(h, choices), (Names{"b"}));
  choices.filter = Filter("_by");
  EXPECT_EQ(names(h, choices), (Names{"a_bytes"}));
  EXPECT_THROW(Filter("~("), std::invalid_argument);
}

TEST(View, FindsAnyPartOfANameByARegularExpressionAndAFamilyByAPattern) {
  const History h = three();
  Choices choices;
  using Names = std::vector<std::string>;
  choices.filter = Filter("~b");
  EXPECT_EQ(names(h, choices), (Names{"a_bytes", "b"}));
  choices.filter = Filter("[b]");
  EXPECT_EQ(names(h, choices), (Names{"b"}));
}

// Two histograms, of which the first has the larger p50 and the second the larger p99, and a
// counter of seconds, which has no quantiles.
History quantiles() {
  History h;
  for (std::uint64_t round = 0; round < 2; ++round) {
    Picture p;
    p.at = static_cast<double>(round);
    p.families.shape = 1;
    std::vector<std::uint64_t>& values = p.families.values;
    const auto add = [&](const char* name, Type type, std::vector<double> bounds,
                         std::vector<std::uint64_t> of) {
      p.families.families.push_back(
          {name, "", "", type, std::move(bounds), {{{}, values.size(), 8, 1}}});
      values.insert(values.end(), of.begin(), of.end());
    };
    add("busy_seconds", Type::kCounter, {}, {3 * round, 0});
    add("even", Type::kHistogram, {1, 10, 100}, {0, 100 * round, 0, 0, 0});
    add("wide", Type::kHistogram, {1, 10, 100}, {90 * round, 0, 10 * round, 0, 0});
    h.add(std::move(p));
  }
  return h;
}

TEST(View, SortsByEachQuantileAndWhatHasNoneLast) {
  const History h = quantiles();
  Choices choices;
  using Names = std::vector<std::string>;
  choices.sort = Sort::kP50;
  EXPECT_EQ(names(h, choices), (Names{"even", "wide", "busy_seconds"}));
  choices.sort = Sort::kP99;
  EXPECT_EQ(names(h, choices), (Names{"wide", "even", "busy_seconds"}));
}

TEST(View, ShowsSecondsASecondAsANumber) {
  const Table table = table_of(quantiles(), Choices(), 80);
  for (const Row& row : table.rows) {
    if (row.cells[0] != "busy_seconds") continue;
    EXPECT_EQ(row.cells[2], "3");
  }
}

// Two workers: the first has counted more, the second counts, and has dropped something.
History two_workers() {
  History h;
  for (int round = 0; round < 2; ++round) {
    Picture p;
    p.at = round;
    p.families.shape = 1;
    p.names = {"tasks", "jobs"};
    for (const std::uint32_t i : {0u, 1u}) {
      Process process{};
      process.slot = {reader::SlotReport::State::kLive, false, {}};
      process.slot.head.slot = i + 1;
      process.slot.head.pid = 100 + i;
      process.slot.head.generation = 1;
      process.slot.head.dropped = 7 * i;
      process.events = i == 0 ? 1000 : 5 * round;
      process.fingerprint = i == 0 ? 1 : static_cast<std::uint64_t>(round);
      process.families = {i};
      p.processes.push_back(process);
    }
    h.add(std::move(p));
  }
  return h;
}

TEST(View, ShowsTheBusiestWorkerFirstWithItsDropsAndWhenItWasActive) {
  const History h = two_workers();
  Choices choices;
  choices.page = Page::kWorkers;
  const Table table = table_of(h, choices, 80);
  const auto column = [&](const std::string& heading) {
    std::size_t i = 0;
    while (table.columns.at(i).heading != heading) ++i;
    return i;
  };
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[0].cells[column("PID")], "101");
  EXPECT_EQ(table.rows[0].cells[column("DROPS")], "7");
  EXPECT_EQ(table.rows[0].cells[column("ACTIVE")], "now");
  EXPECT_EQ(table.rows[1].cells[column("DROPS")], "0");
  EXPECT_EQ(table.rows[1].cells[column("ACTIVE")], ">1s");
  choices.filter = Filter("tasks");
  EXPECT_EQ(table_of(h, choices, 80).rows.at(0).cells[column("PID")], "100");
  EXPECT_EQ(table_of(h, choices, 80).rows.size(), 1u);
}

TEST(View, ShowsValuesToTheLastDigitWhereTheyFitAndRatesByTheirUnit) {
  const History h = three();
  Choices choices;
  Table table = table_of(h, choices, 80);
  EXPECT_EQ(table.rows[0].cells[1], "4096");
  EXPECT_EQ(table.rows[0].cells[2], "4KiB");
  EXPECT_EQ(table.rows[1].cells[2], "3");
  EXPECT_EQ(table.rows[2].cells[1], "123P");
  EXPECT_EQ(table_of(h, choices, 0).rows[2].cells[2], "123456789012345678");
  choices.is_exact = true;
  EXPECT_EQ(table_of(h, choices, 80).rows[0].cells[2], "4096");
}

TEST(View, ShowsHelpAndLabelsOfTheChosenRow) {
  const History h = three();
  Choices choices;
  choices.shows_pane = true;
  choices.cursor = 2;
  const Frame frame = frame_of(h, choices, 80, 24);
  std::string all;
  for (const Line& line : frame) all += text_of(line) + '\n';
  for (const char* part :
       {"c{kind=\"x\"}", "counter: Help of it.", "value 123456789012345678", "kind: x"}) {
    EXPECT_NE(all.find(part), std::string::npos) << part;
  }
}

TEST(View, KeepsTheCursorAmongTheRows) {
  const History h = three();
  Choices choices;
  press(kEnd, choices, 10);
  frame_of(h, choices, 80, 24);
  EXPECT_EQ(choices.cursor, 2u);
  press(kUp, choices, 10);
  EXPECT_EQ(choices.cursor, 1u);
  press(kPageUp, choices, 10);
  EXPECT_EQ(choices.cursor, 0u);
  press(kUp, choices, 10);
  EXPECT_EQ(choices.cursor, 0u);
}

TEST(Keys, ChooseWhatTheHelpSays) {
  Choices c;
  EXPECT_EQ(press('q', c, 10), Effect::kQuit);
  press('\t', c, 10);
  EXPECT_EQ(c.page, Page::kWorkers);
  press('3', c, 10);
  EXPECT_EQ(c.page, Page::kSpace);
  press('s', c, 10);
  EXPECT_EQ(c.sort, Sort::kOver10);
  press('S', c, 10);
  press('S', c, 10);
  EXPECT_EQ(c.sort, Sort::kValue);
  press('+', c, 10);
  EXPECT_EQ(c.interval, 2);
  for (int i = 0; i < 20; ++i) press('-', c, 10);
  EXPECT_EQ(c.interval, 0.125);
  press('p', c, 10);
  EXPECT_TRUE(c.is_paused);
  EXPECT_EQ(press('c', c, 10), Effect::kRestart);
  press('?', c, 10);
  EXPECT_TRUE(c.shows_help);
  press('x', c, 10);
  EXPECT_FALSE(c.shows_help);
}

TEST(Keys, TypeAFilterAndSayWhatIsWrongWithIt) {
  Choices c;
  for (const char key : {'/', 'q', 'x'}) press(key, c, 10);
  press(kErase, c, 10);
  press(kEnter, c, 10);
  EXPECT_EQ(c.filter.text(), "q");
  press('/', c, 10);
  EXPECT_EQ(c.typed, "q") << "what is there is changed, not lost";
  press(kErase, c, 10);
  for (const char key : {'~', '('}) press(key, c, 10);
  press(kEnter, c, 10);
  EXPECT_TRUE(c.is_typing);
  EXPECT_NE(c.fault.find("regular expression"), std::string::npos);
  press(kEscape, c, 10);
  EXPECT_FALSE(c.is_typing);
  EXPECT_EQ(c.filter.text(), "q") << "what was typed is not taken";
  press(kEscape, c, 10);
  EXPECT_EQ(c.filter.text(), "");
}

}  // namespace
}  // namespace metrics::inspect::top
