#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "metrics/metrics.hpp"
#include "tests/support/temp_segment.h"

namespace metrics {
namespace {

TEST(Log, IsOneLineThatSteersNoTerminal) {
  static std::vector<std::string> lines;
  metrics_set_log([](metrics_status, const char* text, void*) { lines.emplace_back(text); },
                  nullptr);
  metrics_log(METRICS_OK, "plain, d\xc3\xa9j\xc3\xa0 vu");
  metrics_log(METRICS_OK, "/run/\x1b[2J\nmetrics: fake");
  EXPECT_EQ(lines, (std::vector<std::string>{"plain, d\xc3\xa9j\xc3\xa0 vu",
                                             "/run/\\u001b[2J\\nmetrics: fake"}));
  metrics_set_log(nullptr, nullptr);
}

TEST(Log, HasOneLineForTheLongLabelValuesOfAFamily) {
  test::TempSegment t({8, 8, 4096, 1 << 20});
  static std::vector<std::string> lines;
  metrics_set_log(
      [](metrics_status status, const char* text, void*) {
        EXPECT_EQ(status, METRICS_OK) << "every update counts";
        lines.emplace_back(text);
      },
      nullptr);
  const std::string longer(20'000, 'x');
  const Family<Counter> tasks("tasks", "", {"path"}, t.options());
  const Family<Counter> others("others", "", {"path"}, t.options());
  tasks.labels(longer.substr(0, 16'384)).inc();
  EXPECT_EQ(lines, std::vector<std::string>{});
  for (int i = 0; i < 3; ++i) tasks.labels(longer).inc();
  others.labels(longer).inc();
  const std::string rest =
      "\" is longer than 16384 bytes: it is cut, and counted with all others that begin alike";
  EXPECT_EQ(lines, (std::vector<std::string>{"a label value of \"tasks" + rest,
                                             "a label value of \"others" + rest}));
  metrics_set_log(nullptr, nullptr);
}

}  // namespace
}  // namespace metrics
