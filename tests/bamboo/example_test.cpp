// The example engine, run: it touches all that the catalogue has, and what it says it recorded is
// what a scrape shows.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "libmetrics/reader/merge.h"
#include "tests/bamboo/engine_segment.h"
#include "tests/support/eventually.h"
#include "tests/support/worker.h"

namespace metrics::bamboo::test {
namespace {

using Counts = std::map<std::pair<std::string, std::string>, std::uint64_t>;  // by sample and type

// Files of every kind that the example tells apart: text, none, too large to count words in, and
// what can't be made smaller.
void make_files(const std::string& directory) {
  std::filesystem::create_directory(directory);
  const auto write = [&](const char* name, const std::string& content) {
    std::ofstream(directory + '/' + name, std::ios::binary) << content;
  };
  std::string text;
  while (text.size() < 20'000) text += "all work and no play\n";
  std::string noise(5'000, '\0');
  std::mt19937 random(1);
  for (char& c : noise) c = static_cast<char>(random());
  noise[100] = '\0';
  write("text", text);
  write("empty", "");
  write("noise", noise);
  write("large", std::string((1 << 20) + 1, 'x'));
}

// The example as a child; what it prints, line by line.
class Example {
 public:
  Example(const std::string& segment, const std::string& files, std::vector<std::string> flags) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::close(ends[0]);
      ::close(ends[1]);
      ::setenv("METRICS_SEGMENT", segment.c_str(), 1);
      flags.insert(flags.begin(), BAMBOO_EXAMPLE);
      flags.push_back(files);
      std::vector<char*> argv;
      for (std::string& flag : flags) argv.push_back(flag.data());
      argv.push_back(nullptr);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    output_ = ::fdopen(ends[0], "r");
  }
  Example(const Example&) = delete;
  Example& operator=(const Example&) = delete;
  ~Example() {
    if (pid_ > 0) finish();
    std::fclose(output_);
  }

  // The fields of the next line; empty: there is none.
  std::vector<std::string> next() {
    char line[512];
    if (std::fgets(line, sizeof line, output_) == nullptr) return {};
    std::vector<std::string> fields;
    std::istringstream text(std::string(line).substr(0, std::string(line).find('\n')));
    for (std::string field; std::getline(text, field, '\t');) fields.push_back(field);
    return fields;
  }

  // Asks it to end; its exit status.
  int finish() {
    ::kill(pid_, SIGTERM);
    return metrics::test::ended(std::exchange(pid_, 0));
  }
  int wait() { return metrics::test::ended(std::exchange(pid_, 0)); }

 private:
  pid_t pid_;
  FILE* output_;
};

class ExampleEngine : public ::testing::Test {
 protected:
  ExampleEngine() {
    ::unsetenv(kBoundsVariable);
    ::setenv("TMPDIR", path_.directory().c_str(), 1);
    make_files(files_);
  }

  // What a scrape has of the catalogue; the type is that label's.
  Counts scraped() const {
    reader::SegmentMerge merge(path_.file());
    EXPECT_TRUE(merge.read()) << merge.why();
    const reader::Families& all = merge.families();
    Counts counts;
    int gauges = 0;
    for (const auto& family : all.families) {
      for (const auto& series : family.series) {
        if (family.type == format::Type::kGauge) {
          EXPECT_EQ(all.gauge(series), 0) << family.name;
          ++gauges;
          continue;
        }
        const bool is_counter = family.type == format::Type::kCounter;
        const bool typed = series.labels.front().name == "type";
        std::uint64_t& count = counts[{family.name + (is_counter ? "_total" : "_count"),
                                       typed ? series.labels.front().value : ""}];
        if (is_counter) {
          count += all.counter(series).whole;
        } else {
          for (const std::uint64_t bucket : all.buckets(family, series)) count += bucket;
        }
      }
    }
    EXPECT_EQ(gauges, 2);
    return counts;
  }

  const metrics::test::TempPath path_;
  const std::string files_ = path_.directory() + "/files";
};

void take(const std::vector<std::string>& line, Counts& counts) {
  ASSERT_EQ(line.size(), 4u);
  counts[{line[1], line[2]}] = std::stoull(line[3]);
}

TEST_F(ExampleEngine, TouchesEveryFamilyAndSaysWhatAScrapeSays) {
  Example example(path_.path(), files_,
                  {"--workers", "2", "--threads", "2", "--messages", "20", "--pipelines", "40"});
  Counts said;
  std::size_t started = 0;
  for (std::vector<std::string> line; !(line = example.next()).empty();) {
    started += line[0] == "started" ? 1 : 0;
    if (line[0] == "counted") take(line, said);
  }
  EXPECT_EQ(example.wait(), 0);
  EXPECT_GT(started, 2u) << "workers that have done their share are replaced";
  const Counts found = scraped();
  EXPECT_EQ(found, said);
  for (const Row& row : kCatalogue) {
    if (row.kind == Kind::kGauge) continue;
    const std::string ending = row.kind == Kind::kCounter ? "_total" : "_count";
    std::uint64_t count = 0;
    for (const auto& [key, n] : found) count += key.first == row.name + ending ? n : 0;
    EXPECT_GT(count, 0u) << row.name;
  }
  EXPECT_EQ(said.at({"engine_execute_pre_process_duration_count", "EmptyEndEvent"}), 40u);
  EXPECT_EQ(said.at({"engine_execute_failed_count_total", "count_words_v1"}), 20u);
  EXPECT_EQ(said.at({"engine_execute_exception_count_total", "count_words_v1"}), 10u);
  EXPECT_EQ(said.at({"engine_schedule_failed_count_total", "compress_v1"}), 10u);
  EXPECT_EQ(said.at({"engine_schedule_failed_count_total", "verify_v1"}), 4u);
  EXPECT_EQ(said.at({"engine_schedule_exception_count_total", "verify_v1"}), 2u);
}

// Whatever a killed worker was at: nothing that was recorded is lost, and nothing is running any
// more.
TEST_F(ExampleEngine, LosesNothingWithAWorkerThatIsKilled) {
  constexpr std::uint64_t kThreads = 3;
  Example example(
      path_.path(), files_,
      {"--workers", "2", "--threads", std::to_string(kThreads), "--messages", "1000000000"});
  Counts said;
  std::uint64_t killed = 0;
  for (std::vector<std::string> line; !(line = example.next()).empty();) {
    if (line[0] == "started" && killed < 5) {
      // Among its siblings' records; a worker ends by no other means, so the pid is its own.
      const std::string pid = line[1];
      reader::SegmentMerge merge(path_.file());
      EXPECT_TRUE(metrics::test::eventually([&] {
        if (!merge.read()) return false;
        const auto heads = merge.reader().heads(merge.reader().used_slots().back());
        return std::any_of(heads.begin(), heads.end(),
                           [&](const auto& head) { return std::to_string(head.pid) == pid; });
      }));
      ASSERT_EQ(::kill(std::stoi(pid), SIGKILL), 0);
    } else if (line[0] == "killed") {
      if (++killed == 5) {
        EXPECT_EQ(example.finish(), 0);
      }
    } else if (line[0] == "counted") {
      take(line, said);
    }
  }
  EXPECT_GE(killed, 5u);
  const Counts found = scraped();
  for (const auto& [series, count] : said) {
    EXPECT_GE(found.at(series), count) << series.first << ' ' << series.second;
    EXPECT_LE(found.at(series), count + killed * kThreads) << series.first << ' ' << series.second;
  }
  EXPECT_EQ(found.size(), said.size());
}

}  // namespace
}  // namespace metrics::bamboo::test
