// What `metrics-inspect dropped` prints about removed series.
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/living.h"
#include "tests/support/patch.h"
#include "tests/support/reused.h"
#include "tests/support/temp_segment.h"
#include "tools/inspect/commands.h"

namespace metrics::inspect {
namespace {

// Returns what the command prints.
std::string printed(const test::TempSegment& t, Format format) {
  ::testing::internal::CaptureStdout();
  const int status = dropped(t.path(), format);
  std::string text = ::testing::internal::GetCapturedStdout();
  EXPECT_EQ(status, kFine);
  return text;
}

TEST(Dropped, NamesTheProcessesThatHoldBackRemovedSeriesAndHowManyAreFree) {
  test::TempSegment t;
  const Family<Counter> tasks("tasks", "", {"name"}, t.options());
  tasks.labels("held").inc();
  for (const char* name : {"several", "free"}) tasks.labels(name).inc();
  const test::Living other([&] { tasks.labels("stays").inc(); });
  test::Patch patch(t.file());
  patch.header().features = format::kReuse;
  patch.series("tasks", "held").born = 5;
  patch.series("tasks", "free").born = 6;
  patch.series("tasks", "several").holder = format::kManyHolders;
  for (const format::SlotIndex slot : {1u, 2u}) patch.head(slot).since = 5;
  for (const char* name : {"held", "several", "free"}) {
    test::Reused(patch, patch.series("tasks", name)).rest();
  }

  const std::string own = std::to_string(::getpid()), others = std::to_string(other.pid());
  const std::string text = printed(t, Format::kText);
  const auto has = [&](const std::string& words) { return text.find(words) != std::string::npos; };
  EXPECT_TRUE(has("held back by " + own + " dropped_test, " + others + " dropped_test ")) << text;
  EXPECT_TRUE(has("held back in this file: several processes have looked them up ")) << text;
  EXPECT_TRUE(has("free to be used again ")) << text;

  const auto removed = nlohmann::json::parse(printed(t, Format::kJson)).at("removed");
  EXPECT_EQ(removed.at("free"), 1);
  EXPECT_EQ(removed.at("reuse_disabled"), false);
  EXPECT_EQ(removed.at("process_without_slot"), false);
  ASSERT_EQ(removed.at("held_back").size(), 1u);
  const auto& family = removed.at("held_back")[0];
  EXPECT_EQ(family.at("family"), "tasks");
  EXPECT_EQ(family.at("of_living_processes"), 1);
  EXPECT_EQ(family.at("of_several_processes"), 1);
  EXPECT_EQ(family.at("of_all"), 0);
  ASSERT_EQ(family.at("processes").size(), 2u);
  EXPECT_EQ(family.at("processes")[1],
            (nlohmann::json{{"slot", 2}, {"pid", other.pid()}, {"command", "dropped_test"}}));
}

TEST(Dropped, SaysWhereNoRemovedSeriesIsUsedAgain) {
  test::TempSegment t;
  t.counter("tasks").inc();
  test::Patch patch(t.file());
  test::Reused(patch, patch.series("tasks")).rest();
  patch.header().features = format::kReuse;
  patch.header().unowned = 1;
  EXPECT_NE(printed(t, Format::kText).find("held back in this file: it uses none again "),
            std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(printed(t, Format::kJson)).at("removed").at("reuse_disabled"),
            true);
}

TEST(Dropped, ShowsTheLimitsOfFamiliesAndHowManySeriesTheyHave) {
  test::TempSegment t;
  const Family<Counter> tasks("tasks", "", {"name"}, {.segment = t.segment(), .max_series = 2});
  const Family<Gauge> load("load", "", {"name"}, {.segment = t.segment(), .max_series = 5});
  t.counter("free").inc();
  for (const char* name : {"a", "b", "c", "d"}) tasks.labels(name).inc();
  load.labels("a").set(1);
  const auto json = nlohmann::json::parse(printed(t, Format::kJson));
  EXPECT_EQ(
      json.at("limits"),
      (nlohmann::json{{{"family", "tasks"}, {"series", 2}, {"max_series", 2}, {"now", true}},
                      {{"family", "load"}, {"series", 1}, {"max_series", 5}, {"now", false}}}));
  ASSERT_EQ(json.at("dropped").size(), 1u);
  EXPECT_EQ(json.at("dropped")[0].at("reason"), "limit");
  EXPECT_EQ(json.at("dropped")[0].at("count"), 2);
  EXPECT_EQ(json.at("dropped")[0].at("now"), true);
  EXPECT_EQ(json.at("dropped")[0].at("families"), nlohmann::json{"tasks"});
  tasks.remove("a");
  EXPECT_EQ(nlohmann::json::parse(printed(t, Format::kJson)).at("dropped")[0].at("now"), false);
  EXPECT_NE(printed(t, Format::kText).find("at most 2 series"), std::string::npos);
}

}  // namespace
}  // namespace metrics::inspect
