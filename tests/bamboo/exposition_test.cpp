// The whole catalogue, with a series in each family, as promtool and client_python's parser read
// it.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <utility>

#include "aggregator/exposition/text.h"
#include "libmetrics/reader/merge.h"
#include "tests/bamboo/engine_segment.h"

namespace metrics::bamboo::test {
namespace {

struct Outcome {
  int status;
  std::string output;  // both streams
};

Outcome run(const std::string& command) {
  FILE* const pipe = ::popen(("exec 2>&1; " + command).c_str(), "r");
  Outcome outcome{};
  char buffer[4096];
  for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof(buffer), pipe)) > 0;) {
    outcome.output.append(buffer, n);
  }
  outcome.status = WEXITSTATUS(::pclose(pipe));
  return outcome;
}

class Exposition : public ::testing::Test {
 protected:
  Exposition() {
    const Engine engine = t.engine();
    const Node node = engine.node(NodeType("ServiceActivity", "hash_v1"));
    { const auto logic = node.execute().handler_pre_process().logic(); }
    reader::SegmentMerge merge(t.file());
    EXPECT_TRUE(merge.read()) << merge.why();
    exposition::TextEncoder().encode(merge.families(), text);
    std::ofstream(path, std::ios::binary) << text;
  }

  EngineSegment t;
  std::string text;
  const std::string path = t.directory() + "/exposition";
};

TEST_F(Exposition, HasEachHelpAndTypeOnceAndByteForByte) {
  for (const Row& row : kCatalogue) {
    const std::string name = row.name + std::string(row.kind == Kind::kCounter ? "_total" : "");
    const std::string kind = row.kind == Kind::kCounter ? "counter"
                             : row.kind == Kind::kGauge ? "gauge"
                                                        : "histogram";
    const std::string lines =
        "# HELP " + name + ' ' + row.help + "\n# TYPE " + name + ' ' + kind + '\n';
    const std::size_t first = text.find(lines);
    EXPECT_NE(first, std::string::npos) << lines;
    EXPECT_EQ(text.find(lines, first + 1), std::string::npos) << lines;
  }
  EXPECT_NE(text.find("\n# HELP engine_execute_exception_count_total count execute exceptions \n"),
            std::string::npos);
}

TEST_F(Exposition, HasTheLabels) {
  EXPECT_NE(text.find("\nengine_node_execute_time_count{type=\"hash_v1\",hostname=\"host-1\"} 1\n"),
            std::string::npos);
  EXPECT_NE(text.find("\nengine_execute_pre_process_duration_count{type=\"ServiceActivity\","
                      "hostname=\"host-1\"} 1\n"),
            std::string::npos);
  EXPECT_NE(text.find("\nengine_running_processes{hostname=\"host-1\"} 0\n"), std::string::npos);
}

// 3: the names are not what its lint would choose; they can't be changed.
TEST_F(Exposition, IsReadByPromtool) {
  if (run("command -v promtool").status != 0) GTEST_SKIP() << "promtool is not in PATH";
  const Outcome outcome = run("promtool check metrics < " + path);
  EXPECT_TRUE(outcome.status == 0 || outcome.status == 3) << outcome.status << outcome.output;
}

TEST_F(Exposition, IsReadByClientPython) {
  if (run("/usr/bin/python3 -c 'import prometheus_client'").status != 0) {
    GTEST_SKIP() << "python3 has no prometheus_client";
  }
  const std::string script = t.directory() + "/read.py";
  std::ofstream(script) << R"(
import collections, sys
from prometheus_client.parser import text_string_to_metric_families
families = list(text_string_to_metric_families(open(sys.argv[1], encoding="utf-8").read()))
print(sorted(collections.Counter(family.type for family in families).items()))
print(all(family.samples for family in families))
print(sorted({label for family in families for sample in family.samples
              for label in sample.labels}))
)";
  const Outcome outcome = run("/usr/bin/python3 " + script + " " + path);
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.output,
            "[('counter', 4), ('gauge', 2), ('histogram', 33)]\n"
            "True\n"
            "['hostname', 'le', 'type']\n");
}

}  // namespace
}  // namespace metrics::bamboo::test
