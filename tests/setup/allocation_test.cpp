// Each allocation of each set-up call fails, alone or with all that follow: the call reports that
// there is no memory, and costs nothing else. The program stands in for operator new.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <new>
#include <string>
#include <vector>

#include "metrics/metrics.h"
#include "tests/support/failing_new.h"
#include "tests/support/options.h"
#include "tests/support/shared_memory.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace {

// How many allocations succeed before one fails, or all that follow; less than 0: all succeed.
int until_failure = -1;
bool all_fail_then = false;
bool has_failed = false;

bool fails() {
  if (until_failure < 0) return false;
  if (until_failure > 0) {
    --until_failure;
    return false;
  }
  if (!all_fail_then) until_failure = -1;
  has_failed = true;
  return true;
}

}  // namespace

namespace metrics::test {
namespace {

// What a program has got of a segment. Calls of the C ABI, as a binding makes them.
struct Program {
  std::string path;
  metrics_segment* segment = nullptr;
  metrics_family *tasks = nullptr, *load = nullptr, *times = nullptr, *about = nullptr,
                 *limited = nullptr;
  metrics_gauge* gauge = nullptr;
};

constexpr const char* kLabels[] = {"queue"};
constexpr const char* kValue[] = {"a rather long name of a queue, which no small string holds"};
constexpr const char* kOther[] = {"another long name of a queue, which no small string holds"};

metrics_status open(Program& p) { return metrics_open(p.path.c_str(), &kSmallInC, &p.segment); }

metrics_status make_family(Program& p, metrics_type type, const char* name, metrics_family** out) {
  const bool has_labels = type != METRICS_INFO;
  return metrics_family_of(p.segment, type, name, "a help text that no small string holds",
                           has_labels ? kLabels : nullptr, has_labels ? 1 : 0, nullptr, out);
}

metrics_status make_series(Program& p, const char* const* value) {
  return metrics_gauge_labels(p.load, value, 1, &p.gauge);
}

metrics_status make_states(Program& p) {
  constexpr const char* kStates[] = {"a state that no small string holds", "another one"};
  metrics_family_options options{};
  options.size = sizeof options;
  options.states = kStates;
  options.state_count = 2;
  return metrics_family_of(p.segment, METRICS_STATESET, "phase", "", kLabels, 1, &options,
                           &p.limited);
}

struct Call {
  const char* name;
  std::function<void(Program&)> before;  // succeeds, with all the memory that it needs
  std::function<metrics_status(Program&)> call;
};

metrics_status make_limited(Program& p) {
  metrics_family_options options{};
  options.size = sizeof options;
  options.max_series = 1;
  return metrics_family_of(p.segment, METRICS_COUNTER, "limited", "", kLabels, 1, &options,
                           &p.limited);
}

void set_up(Program& p) {
  ASSERT_EQ(open(p), METRICS_OK);
  ASSERT_EQ(make_family(p, METRICS_COUNTER, "tasks_total", &p.tasks), METRICS_OK);
  ASSERT_EQ(make_family(p, METRICS_GAUGE, "load", &p.load), METRICS_OK);
  ASSERT_EQ(make_family(p, METRICS_HISTOGRAM, "times_seconds", &p.times), METRICS_OK);
  ASSERT_EQ(make_family(p, METRICS_INFO, "about", &p.about), METRICS_OK);
}

void set_up_series(Program& p) {
  set_up(p);
  ASSERT_EQ(make_series(p, kValue), METRICS_OK);
}

// Makes so many series that the next one needs a larger table.
void set_up_many(Program& p) {
  set_up(p);
  for (int i = 0; i < 8; ++i) {
    const std::string text = std::to_string(i);
    const char* const value[] = {text.c_str()};
    ASSERT_EQ(make_series(p, value), METRICS_OK);
  }
}

const std::vector<Call>& calls() {
  static const std::vector<Call> all = {
      {"open", [](Program&) {}, &open},
      {"default", [](Program& p) { ::setenv("METRICS_SEGMENT", p.path.c_str(), 1); },
       [](Program& p) {
         p.segment = metrics_default();
         return metrics_segment_status(p.segment);
       }},
      {"counter family", [](Program& p) { ASSERT_EQ(open(p), METRICS_OK); },
       [](Program& p) { return make_family(p, METRICS_COUNTER, "tasks_total", &p.tasks); }},
      {"histogram family", [](Program& p) { ASSERT_EQ(open(p), METRICS_OK); },
       [](Program& p) { return make_family(p, METRICS_HISTOGRAM, "times_seconds", &p.times); }},
      {"family again", &set_up,
       [](Program& p) { return make_family(p, METRICS_GAUGE, "load", &p.load); }},
      {"conflicting family", &set_up,
       [](Program& p) {
         metrics_family* refused = nullptr;
         const metrics_status status = make_family(p, METRICS_COUNTER, "load", &refused);
         return status == METRICS_CONFLICT ? METRICS_OK : status;
       }},
      {"counter", &set_up,
       [](Program& p) {
         metrics_counter* counter = nullptr;
         return metrics_counter_labels(p.tasks, kValue, 1, &counter);
       }},
      {"gauge", &set_up, [](Program& p) { return make_series(p, kValue); }},
      {"gauge in a larger table", &set_up_many, [](Program& p) { return make_series(p, kValue); }},
      {"histogram", &set_up,
       [](Program& p) {
         metrics_histogram* histogram = nullptr;
         return metrics_histogram_labels(p.times, kValue, 1, &histogram);
       }},
      {"info", &set_up, [](Program& p) { return metrics_info_state(p.about, kLabels, kValue, 1); }},
      {"state set family", [](Program& p) { ASSERT_EQ(open(p), METRICS_OK); },
       [](Program& p) { return make_states(p); }},
      {"state set",
       [](Program& p) {
         ASSERT_EQ(open(p), METRICS_OK);
         ASSERT_EQ(make_states(p), METRICS_OK);
       },
       [](Program& p) {
         metrics_stateset* set = nullptr;
         return metrics_stateset_labels(p.limited, kValue, 1, &set);
       }},
      {"order of labels", &set_up,
       [](Program& p) {
         const char* ordered[1];
         return metrics_order_labels(p.load, kLabels, kValue, 1, ordered);
       }},
      {"remove", &set_up_series, [](Program& p) { return metrics_remove(p.load, kValue, 1); }},
      {"clear", &set_up_series, [](Program& p) { return metrics_clear(p.load); }},
      {"value",
       [](Program& p) {
         set_up_series(p);
         metrics_gauge_set(p.gauge, 1);
       },
       [](Program& p) {
         metrics_counter* counter = nullptr;
         const metrics_status status = metrics_counter_labels(p.tasks, kOther, 1, &counter);
         double value = 0;
         return status != METRICS_OK ? status : metrics_counter_value(counter, &value);
       }},
      {"family status", &set_up, [](Program& p) { return metrics_family_status(p.load); }},
      {"give up", &set_up, [](Program& p) { return metrics_family_give_up(p.load); }},
      {"segment status", &set_up, [](Program& p) { return metrics_segment_status(p.segment); }},
      {"limited family", [](Program& p) { ASSERT_EQ(open(p), METRICS_OK); },
       [](Program& p) { return make_limited(p); }},
  };
  return all;
}

// Makes the call with one allocation failing, or with all from that one on, in a new process and
// segment, and then once more. Returns whether there was one to fail.
bool fails_at(const Call& call, int which, bool and_all_after) {
  auto& had_one = shared<bool>();
  const TempPath path;
  const pid_t worker = forked([&] {
    ::alarm(20);  // a child that loops must end
    Program p;
    p.path = path.path();
    call.before(p);
    until_failure = which;
    all_fail_then = and_all_after;
    set_failing(&fails);
    const metrics_status status = call.call(p);
    set_failing(nullptr);
    had_one = has_failed;
    EXPECT_TRUE(status == METRICS_OK || status == METRICS_NO_SPACE)
        << metrics_status_name(status) << ": " << metrics_last_error();
    EXPECT_EQ(call.call(p), METRICS_OK) << metrics_last_error();

    // What the process has set up counts, in it and in its children.
    set_up(p);
    ASSERT_EQ(make_series(p, kValue), METRICS_OK);
    metrics_counter* counter = nullptr;
    ASSERT_EQ(metrics_counter_labels(p.tasks, kValue, 1, &counter), METRICS_OK);
    const auto count = [&] {
      metrics_gauge_set(p.gauge, 1);
      metrics_counter_inc(counter, 1);
    };
    count();
    if (and_all_after) return;
    for (int child = 0; child < 2; ++child) {
      EXPECT_EQ(ended(forked([&] {
                  ::alarm(20);
                  count();
                })),
                0);
    }
  });
  EXPECT_EQ(ended(worker), 0) << call.name << ", allocation " << which;
  EXPECT_EQ(path.scrape().count("tasks", {kValue[0]}), and_all_after ? 1u : 3u)
      << call.name << ", " << which;
  return had_one;
}

TEST(Allocations, OfSetUpCallsMayFailAndCostTheCallAlone) {
  int points = 0;
  for (const Call& call : calls()) {
    for (const bool and_all_after : {false, true}) {
      int which = 0;
      while (!HasFailure() && fails_at(call, which, and_all_after)) ++which;
      points += which;
    }
  }
  RecordProperty("points", points);
  std::printf("%d points of failure\n", points);
  EXPECT_GT(points, 200);
}

// Strangers may send ever new label values.
TEST(Allocations, ALookUpBeyondALimitMakesNone) {
  const auto look_up = [](Program& p) {
    metrics_counter* counter = nullptr;
    return metrics_counter_labels(p.limited, kOther, 1, &counter);
  };
  const Call call = {"beyond a limit",
                     [](Program& p) {
                       set_up(p);
                       ASSERT_EQ(make_limited(p), METRICS_OK);
                       metrics_counter* counter = nullptr;
                       ASSERT_EQ(metrics_counter_labels(p.limited, kValue, 1, &counter),
                                 METRICS_OK);
                     },
                     look_up};
  EXPECT_FALSE(fails_at(call, 0, true));
}

}  // namespace
}  // namespace metrics::test
