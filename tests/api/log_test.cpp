#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "metrics/metrics.h"

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

}  // namespace
