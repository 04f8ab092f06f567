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
      process.slot.head.command = "fifteen_letters";
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

TEST(View, HasTheColumnsThatMatterMostOnANarrowTerminalAndAllOnAWideOne) {
  const History h = two_workers();
  Choices choices;
  using Headings = std::vector<std::string>;
  EXPECT_EQ(table_of(h, choices, 80).headings(),
            (Headings{"SERIES", "VALUE", "PER S", "AVG10", "P50", "P99"}));
  EXPECT_EQ(table_of(h, choices, 120).headings(),
            (Headings{"SERIES", "TYPE", "VALUE", "PER S", "AVG10", "AVG100", "P50", "P99"}));
  choices.page = Page::kWorkers;
  EXPECT_EQ(
      table_of(h, choices, 80).headings(),
      (Headings{"PID", "COMMAND", "STATE", "THR", "PER S", "ACTIVE", "DROPS", "FAM", "REFUSED"}));
  EXPECT_EQ(table_of(h, choices, 120).headings(),
            (Headings{"PID", "COMMAND", "STATE", "THR", "EVENTS", "PER S", "AVG10", "AVG100",
                      "ACTIVE", "DROPS", "REFUSED", "FAMILIES"}));
  for (const std::size_t width : {80u, 88u, 96u, 100u, 120u, 200u}) {
    const Table table = table_of(h, choices, width);
    EXPECT_GE(table.rest(width), 18u) << "has no room for a reason or a family, at " << width;
  }
}

// One worker that counts in four families, and of which two things were refused.
History busy_worker() {
  History h;
  Picture p;
  p.file = "/run/metrics/of-a-service-with-a-long-name/and-a-folder-of-its-own/workers.v2";
  p.names = {"shop_orders", "shop_sent_bytes", "shop_wait_seconds", "shop_open"};
  Process process{};
  process.slot.head.slot = 1;
  process.slot.head.pid = 4194304;
  process.slot.head.claimed_ns = 1;
  process.families = {0, 1, 2, 3};
  p.processes.push_back(process);
  for (const std::size_t reason : {2u, 15u}) {
    p.drops.push_back({format::kDropReasons[reason], 1, 1, {2, 4194304, 0, ""}, true});
  }
  h.add(std::move(p));
  return h;
}

TEST(View, CutsNoWordOfAListButSaysHowManyHaveNoRoom) {
  const History h = busy_worker();
  Choices choices;
  choices.page = Page::kWorkers;
  EXPECT_EQ(table_of(h, choices, 80).rows.at(0).cells.back(), "gauge_without_slot +1");
  EXPECT_EQ(table_of(h, choices, 80).rows.at(0).cells.at(7), "4") << "families";
  const auto wide = table_of(h, choices, 140).rows.at(0).cells;
  EXPECT_EQ(wide.back().substr(0, wide.back().find_last_not_of(' ') + 1),
            "shop_orders shop_sent_bytes +2");
  EXPECT_EQ(table_of(h, choices, 0).rows.at(0).cells.back(),
            "shop_orders shop_sent_bytes shop_wait_seconds shop_open");
}

TEST(View, ShortensAPathByItsFirstFoldersAndLeavesOutWhatMattersLess) {
  const History h = busy_worker();
  Choices choices;
  const auto line = [&](std::size_t width, std::size_t at) {
    std::string text = text_of(frame_of(h, choices, width, 24).at(at));
    return text.substr(0, text.find_last_not_of(' ') + 1);
  };
  EXPECT_EQ(line(80, 0), ".../and-a-folder-of-its-own/workers.v2  1970-01-01T00:00:00Z");
  EXPECT_EQ(line(30, 0), ".../workers.v2");
  EXPECT_NE(line(120, 0).find("  every 1s"), std::string::npos);
  EXPECT_EQ(line(30, 1), "live 1/1  series 0  dropped 2");
  EXPECT_EQ(line(80, 1), "live 1/1  series 0  cells 0%  directory 0%  memory 0  dropped 2  read 0");
  choices.hides_rest = true;
  EXPECT_EQ(line(48, 2), " 1 series  2 workers  3 space   moving only");
}

TEST(View, TheHelpFitsAnEightyColumnsWideTerminalAndTellsHowToSeeTheRest) {
  Choices choices;
  choices.shows_help = true;
  const Frame frame = frame_of(two_workers(), choices, 80, 24);
  std::string text;
  for (const Line& line : frame) text += text_of(line) + '\n';
  EXPECT_EQ(text.find('~', text.find("~regex") + 1), text.find("'~' for") + 1) << text;
  EXPECT_NE(text.find("all are there from 120 columns on"), std::string::npos) << text;
  EXPECT_NE(text.find("for the middle of a name."), std::string::npos) << "is cut off: " << text;
}

TEST(View, BreaksThePanesLinesBetweenWordsAndSaysIfThereIsMore) {
  const History h = busy_worker();
  Choices choices;
  choices.page = Page::kWorkers;
  choices.shows_pane = true;
  const auto pane = [&](std::size_t height) {
    std::string text;
    for (const Line& line : frame_of(h, choices, 80, height)) text += text_of(line) + '\n';
    return text;
  };
  EXPECT_NE(pane(24).find("families: shop_orders shop_sent_bytes shop_wait_seconds shop_open "),
            std::string::npos);
  EXPECT_EQ(pane(24).find('~'), std::string::npos) << "is cut: " << pane(24);
  EXPECT_NE(pane(12).find(" and more "), std::string::npos);
}

TEST(View, PrintsALineOfJsonThatHasWhatAllPagesShow) {
  const exposition::Json json = json_of(busy_worker(), Choices());
  const exposition::Json& worker = json.at("workers").at(0);
  EXPECT_EQ(worker.at("families").dump(),
            R"(["shop_orders","shop_sent_bytes","shop_wait_seconds","shop_open"])");
  EXPECT_EQ(worker.at("refused").dump(), R"(["gauge_without_slot","exemplar_invalid"])");
  EXPECT_EQ(json.at("space").at("families").dump(), "[]");
  EXPECT_EQ(json.at("space").at("cells_used"), 0);
}

TEST(View, FiltersWhatItPrintsOfThePageThatIsChosen) {
  Choices choices;
  choices.filter = Filter("jobs");
  const History h = two_workers();
  EXPECT_EQ(json_of(h, choices).at("workers").size(), 2u);
  choices.page = Page::kWorkers;
  ASSERT_EQ(json_of(h, choices).at("workers").size(), 1u);
  EXPECT_EQ(json_of(h, choices).at("workers").at(0).at("pid"), 101);
}

TEST(View, PrintsHowToLookLongerAtAWorkerThatHasNotMovedSinceTopBegan) {
  Choices choices;
  choices.page = Page::kWorkers;
  EXPECT_NE(lines_of(two_workers(), choices).at(1).find("a longer --interval looks longer"),
            std::string::npos);
  choices.page = Page::kSeries;
  EXPECT_EQ(lines_of(two_workers(), choices).at(1).find("--interval"), std::string::npos);
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
