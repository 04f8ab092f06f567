// The catalogue is what bamboo-engine declares, and METRICS.md is what the catalogue prints.
#include "metrics/bamboo/catalogue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>

namespace metrics::bamboo {
namespace {

std::ptrdiff_t families_of(Kind kind) {
  return std::count_if(kCatalogue.begin(), kCatalogue.end(),
                       [kind](const Row& row) { return row.kind == kind; });
}

const Row& row_named(std::string_view name) {
  return *std::find_if(kCatalogue.begin(), kCatalogue.end(),
                       [name](const Row& row) { return row.name == name; });
}

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string output_of(const std::string& program) {
  FILE* const pipe = ::popen(program.c_str(), "r");
  std::string output;
  char buffer[4096];
  for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof(buffer), pipe)) > 0;) {
    output.append(buffer, n);
  }
  EXPECT_EQ(::pclose(pipe), 0);
  return output;
}

TEST(Catalogue, HasTwoGaugesFourCountersAndThirtyThreeHistograms) {
  EXPECT_EQ(kCatalogue.size(), 39u);
  EXPECT_EQ(families_of(Kind::kGauge), 2);
  EXPECT_EQ(families_of(Kind::kCounter), 4);
  EXPECT_EQ(families_of(Kind::kHistogram), 33);
}

TEST(Catalogue, HasBambooEnginesNames) {
  const std::set<std::string_view> expected = {"engine_execute_exception_count",
                                               "engine_execute_failed_count",
                                               "engine_execute_post_process_duration",
                                               "engine_execute_pre_process_duration",
                                               "engine_node_execute_post_process_duration",
                                               "engine_node_execute_pre_process_duration",
                                               "engine_node_execute_time",
                                               "engine_node_schedule_post_process_duration",
                                               "engine_node_schedule_pre_process_duration",
                                               "engine_node_schedule_time",
                                               "engine_process_running_time",
                                               "engine_running_processes",
                                               "engine_running_schedules",
                                               "engine_runtime_callback_data_read_time",
                                               "engine_runtime_context_ref_read_time",
                                               "engine_runtime_context_value_read_time",
                                               "engine_runtime_context_value_upsert_time",
                                               "engine_runtime_data_inputs_read_time",
                                               "engine_runtime_data_outputs_read_time",
                                               "engine_runtime_data_read_time",
                                               "engine_runtime_exec_data_inputs_read_time",
                                               "engine_runtime_exec_data_inputs_write_time",
                                               "engine_runtime_exec_data_outputs_read_time",
                                               "engine_runtime_exec_data_outputs_write_time",
                                               "engine_runtime_exec_data_read_time",
                                               "engine_runtime_exec_data_write_time",
                                               "engine_runtime_execute_task_claim_delay",
                                               "engine_runtime_node_read_time",
                                               "engine_runtime_process_read_time",
                                               "engine_runtime_schedule_read_time",
                                               "engine_runtime_schedule_task_claim_delay",
                                               "engine_runtime_schedule_write_time",
                                               "engine_runtime_state_read_time",
                                               "engine_runtime_state_write_time",
                                               "engine_schedule_exception_count",
                                               "engine_schedule_failed_count",
                                               "engine_schedule_post_process_duration",
                                               "engine_schedule_pre_process_duration",
                                               "engine_schedule_running_time"};
  std::set<std::string_view> names;
  for (const Row& row : kCatalogue) names.insert(row.name);
  EXPECT_EQ(names, expected);
}

TEST(Catalogue, HasBambooEnginesHelpByteForByte) {
  const auto help = [](std::string_view name) { return std::string_view(row_named(name).help); };
  EXPECT_EQ(help("engine_running_processes"), "count running state processes");
  EXPECT_EQ(help("engine_execute_exception_count"), "count execute exceptions ");  // with its blank
  EXPECT_EQ(help("engine_schedule_exception_count"), "count schedule exceptions");
  EXPECT_EQ(help("engine_node_schedule_pre_process_duration"),
            "time spent node handler schedule pre-processing");
  EXPECT_EQ(help("engine_runtime_exec_data_read_time"),
            "time spent reading node execution data inputs and outputs");
  EXPECT_EQ(help("engine_runtime_schedule_task_claim_delay"),
            "delay between schedule task send and task claim");
}

TEST(Catalogue, TellsNodesApartInFourteenFamilies) {
  std::set<std::string_view> by_type;
  std::set<std::string_view> by_code;
  for (const Row& row : kCatalogue) {
    if (row.labels == Labels::kTypeAndHost) by_type.insert(row.name);
    if (row.labels == Labels::kCodeAndHost) by_code.insert(row.name);
  }
  EXPECT_EQ(by_type.size(), 8u);
  EXPECT_EQ(by_code, (std::set<std::string_view>{
                         "engine_execute_failed_count", "engine_schedule_failed_count",
                         "engine_execute_exception_count", "engine_schedule_exception_count",
                         "engine_node_execute_time", "engine_node_schedule_time"}));
}

TEST(Catalogue, HasEighteenBoundsFromFiveMillisecondsToHundredSeconds) {
  EXPECT_EQ(kDefaultBounds.size(), 18u);
  EXPECT_EQ(kDefaultBounds.front(), 0.005);
  EXPECT_EQ(kDefaultBounds[9], 1.0);
  EXPECT_EQ(kDefaultBounds.back(), 100.0);
  EXPECT_TRUE(std::is_sorted(kDefaultBounds.begin(), kDefaultBounds.end()));
}

TEST(Catalogue, PrintsTheReferenceThatIsKept) {
  EXPECT_EQ(output_of(BAMBOO_REFERENCE), content(BAMBOO_METRICS_MD))
      << "print it anew: bamboo_reference > libmetrics/bamboo/METRICS.md";
}

TEST(Catalogue, TheReferenceHasEachFamilyOnceInATable) {
  const std::string reference = content(BAMBOO_METRICS_MD);
  for (const Row& row : kCatalogue) {
    const std::string cell = std::string("| `") + row.name + "` |";
    const std::size_t first = reference.find(cell);
    EXPECT_NE(first, std::string::npos) << row.name;
    EXPECT_EQ(reference.find(cell, first + 1), std::string::npos) << row.name;
  }
}

}  // namespace
}  // namespace metrics::bamboo
