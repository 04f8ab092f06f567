// The text format as promtool and client_python's parser read it. Skipped where they are missing.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>

#include "aggregator/exposition/text.h"
#include "tests/support/families_builder.h"

namespace metrics::exposition {
namespace {

using test::FamiliesBuilder;

// A file that the judges read; gone with this object.
class TempFile {
 public:
  explicit TempFile(const std::string& content) {
    path_ = ::testing::TempDir() + "text_judges_XXXXXX";
    const int fd = ::mkstemp(path_.data());
    if (fd < 0) throw std::runtime_error("mkstemp " + path_);
    ::close(fd);
    std::ofstream(path_, std::ios::binary) << content;
  }
  ~TempFile() { std::remove(path_.c_str()); }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Outcome {
  int status;
  std::string output;  // both streams
};

Outcome run(const std::string& command) {
  FILE* const pipe = ::popen(("exec 2>&1; " + command).c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen");
  Outcome outcome{};
  char buffer[4096];
  for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof(buffer), pipe)) > 0;) {
    outcome.output.append(buffer, n);
  }
  outcome.status = WEXITSTATUS(::pclose(pipe));
  return outcome;
}

FamiliesBuilder one_of_everything() {
  FamiliesBuilder b;
  b.family(format::Type::kCounter, "jobs", "Jobs with \\ and \n and \"quotes\".");
  b.series({{"path", "C:\\dir\\new"}, {"text", "line\nfeed"}}).whole(7).real(0);
  b.series({{"path", "say \"hi\""}, {"text", "\\n is no line feed"}}).whole(7).real(0.5);
  b.series({{"path", "\xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x98\x80"}, {"text", "trailing \\"}});
  b.whole((std::uint64_t{1} << 53) + 1).real(0);
  b.family(format::Type::kGauge, "heat_celsius", "Heat.");
  b.series({{"at", "+Inf"}}).real(std::numeric_limits<double>::infinity());
  b.series({{"at", "-Inf"}}).real(-std::numeric_limits<double>::infinity());
  b.series({{"at", "NaN"}}).real(std::numeric_limits<double>::quiet_NaN());
  b.series({{"at", "small"}}).real(5e-324);
  b.series({{"at", "large"}}).real(std::numeric_limits<double>::max());
  b.series({{"at", "third"}}).real(1.0 / 3);
  b.family(format::Type::kHistogram, "wait_seconds", "Wait.", {0.005, 1, 2.5, 1e7});
  b.series({{"host", "h"}}).whole(1).whole(2).whole(3).whole(4).whole(5).real(0.1);
  b.family(format::Type::kSummary, "load_bytes", "Load.");
  b.series({}).whole(3).real(1.5);
  b.family(format::Type::kInfo, "build", "Build.");
  b.series({{"version", "1.0"}});
  b.family(format::Type::kStateSet, "phase", "Phase.");
  b.series({{"phase", "idle"}}).real(0);
  b.series({{"phase", "busy"}}).real(1);
  b.family(format::Type::kCounter, "empty", "Nothing yet.");
  return b;
}

std::string encoded(const reader::Families& families) {
  std::string out;
  TextEncoder().encode(families, out);
  return out;
}

TEST(TextJudges, PromtoolFindsNothingToComplainAbout) {
  if (run("command -v promtool").status != 0) GTEST_SKIP() << "promtool is not in PATH";
  const TempFile file(encoded(one_of_everything().build()));
  const Outcome outcome = run("promtool check metrics < " + file.path());
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  EXPECT_EQ(outcome.output, "");
}

TEST(TextJudges, PromtoolRefusesABrokenExposition) {
  if (run("command -v promtool").status != 0) GTEST_SKIP() << "promtool is not in PATH";
  const TempFile file("# TYPE x info\nx{l=\"a\nb\"} 1\n");
  EXPECT_EQ(run("promtool check metrics < " + file.path()).status, 1);
}

TEST(TextJudges, ClientPythonReadsTheSameNamesLabelsAndValues) {
  if (run("/usr/bin/python3 -c 'import prometheus_client'").status != 0) {
    GTEST_SKIP() << "python3 has no prometheus_client";
  }
  const TempFile file(encoded(one_of_everything().build()));
  const TempFile script(R"(
import sys
from prometheus_client.parser import text_string_to_metric_families
for family in text_string_to_metric_families(open(sys.argv[1], encoding="utf-8").read()):
    print(family.type, family.name, ascii(family.documentation))
    for sample in family.samples:
        print(" ", sample.name, ascii(sorted(sample.labels.items())), repr(sample.value))
)");
  const Outcome outcome = run("/usr/bin/python3 " + script.path() + " " + file.path());
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.output, R"(counter jobs 'Jobs with \\ and \n and "quotes".'
  jobs_total [('path', 'C:\\dir\\new'), ('text', 'line\nfeed')] 7.0
  jobs_total [('path', 'say "hi"'), ('text', '\\n is no line feed')] 7.5
  jobs_total [('path', '\u6f22\u5b57 \U0001f600'), ('text', 'trailing \\')] 9007199254740992.0
gauge heat_celsius 'Heat.'
  heat_celsius [('at', '+Inf')] inf
  heat_celsius [('at', '-Inf')] -inf
  heat_celsius [('at', 'NaN')] nan
  heat_celsius [('at', 'small')] 5e-324
  heat_celsius [('at', 'large')] 1.7976931348623157e+308
  heat_celsius [('at', 'third')] 0.3333333333333333
histogram wait_seconds 'Wait.'
  wait_seconds_bucket [('host', 'h'), ('le', '0.005')] 1.0
  wait_seconds_bucket [('host', 'h'), ('le', '1.0')] 3.0
  wait_seconds_bucket [('host', 'h'), ('le', '2.5')] 6.0
  wait_seconds_bucket [('host', 'h'), ('le', '1e+07')] 10.0
  wait_seconds_bucket [('host', 'h'), ('le', '+Inf')] 15.0
  wait_seconds_count [('host', 'h')] 15.0
  wait_seconds_sum [('host', 'h')] 0.1
summary load_bytes 'Load.'
  load_bytes_count [] 3.0
  load_bytes_sum [] 1.5
gauge build_info 'Build.'
  build_info [('version', '1.0')] 1.0
gauge phase 'Phase.'
  phase [('phase', 'idle')] 0.0
  phase [('phase', 'busy')] 1.0
counter empty 'Nothing yet.'
)");
}

}  // namespace
}  // namespace metrics::exposition
