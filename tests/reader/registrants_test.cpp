// Who has registered a family and its series.
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "libmetrics/reader/reader.h"
#include "libmetrics/reader/space_report.h"
#include "metrics/metrics.hpp"
#include "tests/support/living.h"
#include "tests/support/patch.h"
#include "tests/support/reused.h"
#include "tests/support/temp_segment.h"

namespace metrics::test {
namespace {

struct Found {
  std::uint64_t family = 0;                                     // 0: unknown
  std::vector<std::pair<std::uint64_t, std::uint64_t>> series;  // pid, how many
  friend bool operator==(const Found&, const Found&) = default;
};

Found registrants(const TempSegment& t, const std::string& name) {
  reader::Reader reader(t.file());
  EXPECT_TRUE(reader.look()) << reader.why();
  for (const reader::FamilySpace& space : reader::space_report(reader)) {
    if (space.family == nullptr || space.family->name != name) continue;
    Found found{space.family->registrant, {}};
    for (const reader::Registrant& r : space.registered_by) {
      found.series.emplace_back(r.pid, r.series);
    }
    return found;
  }
  ADD_FAILURE() << "no family " << name;
  return {};
}

std::uint64_t own() { return static_cast<std::uint64_t>(::getpid()); }
std::uint64_t pid_of(const Living& process) { return static_cast<std::uint64_t>(process.pid()); }

TEST(Registrants, AreTheFirstToDefineTheFamilyAndToLookUpEachSeries) {
  TempSegment t;
  const Family<Counter> tasks("tasks", "", {"name"}, t.options());
  tasks.labels("a").inc();
  const Living other([&] {
    const Family<Counter> same("tasks", "", {"name"}, t.options());
    for (const char* name : {"a", "b", "c"}) same.labels(name).inc();
    const Family<Counter> jobs("jobs", "", {}, t.options());
    jobs.labels().inc();
  });
  const Family<Counter> jobs("jobs", "", {}, t.options());
  jobs.labels().inc();
  EXPECT_EQ(registrants(t, "tasks"), (Found{own(), {{own(), 1}, {pid_of(other), 2}}}));
  EXPECT_EQ(registrants(t, "jobs"), (Found{pid_of(other), {{pid_of(other), 1}}}));
}

TEST(Registrants, OfASeriesThatWasRemovedAndMadeAnewIsTheOneWhoMadeItAnew) {
  TempSegment t;
  const Family<Counter> tasks("tasks", "", {"name"}, t.options());
  tasks.labels("a").inc();
  tasks.remove("a");
  EXPECT_EQ(registrants(t, "tasks"), (Found{own(), {}}));
  const Living other([&] { tasks.labels("a").inc(); });
  EXPECT_EQ(registrants(t, "tasks"), (Found{own(), {{pid_of(other), 1}}}));
}

// As a program before version 2.3 does, which does not know the word.
TEST(Registrants, AWordThatAnOlderProgramHasLeftIsNotBelieved) {
  TempSegment t;
  t.counter("tasks").inc();
  Patch patch(t.file());
  format::SeriesRecord& series = patch.series("tasks");
  series.created_ns += std::uint64_t{format::kMostPid} << 3;
  EXPECT_EQ(registrants(t, "tasks"), (Found{own(), {}}));
  series.registrant = 0;
  series.created_ns = own();  // so that a zero would be a pid
  EXPECT_EQ(registrants(t, "tasks"), (Found{own(), {}}));
}

}  // namespace
}  // namespace metrics::test
