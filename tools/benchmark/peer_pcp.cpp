// peer_pcp.cpp -- a counter of PCP's memory-mapped values: it is not atomic, and values of several
// processes are not merged.

// The second header needs the first.
// clang-format off
#include <pcp/pmapi.h>
#include <pcp/mmv_stats.h>
// clang-format on

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

#include "tools/benchmark/player.h"

int main(int argc, char** argv) {
  using namespace metrics::bench;
  constexpr int kMany = 64;
  static std::array<mmv_instances_t, kMany> instances{};
  for (int i = 0; i < kMany; ++i) {
    instances[static_cast<std::size_t>(i)].internal = i;
    std::snprintf(instances[static_cast<std::size_t>(i)].external, MMV_NAMEMAX, "i%d", i);
  }
  static mmv_indom_t domain{};
  domain.serial = 1;
  domain.count = kMany;
  domain.instances = instances.data();
  static mmv_metric_t metric{};
  std::snprintf(metric.name, MMV_NAMEMAX, "count");
  metric.item = 1;
  metric.type = MMV_TYPE_U64;
  metric.semantics = MMV_SEM_COUNTER;
  metric.dimension = pmUnits{};
  metric.indom = 1;
  char directory[] = "/dev/shm/metrics-bench-pcp-XXXXXX";
  if (::mkdtemp(directory) == nullptr) return 1;
  // A configuration file names the directory of the values' file. This program writes its own one,
  // since PCP itself may not be installed.
  const std::string configuration = std::string(directory) + "/pcp.conf";
  std::FILE* file = std::fopen(configuration.c_str(), "w");
  if (file == nullptr) return 1;
  std::fprintf(file, "PCP_TMP_DIR=%s\n", directory);
  std::fclose(file);
  ::mkdir((std::string(directory) + "/mmv").c_str(), 0700);
  ::setenv("PCP_CONF", configuration.c_str(), 1);
  ::setenv("PCP_TMP_DIR", directory, 1);
  void* map = ::mmv_stats_init("bench", 1, MMV_FLAG_PROCESS, &metric, 1, &domain, 1);
  if (map == nullptr) return 1;
  std::array<pmAtomValue*, kMany> values{};
  for (int i = 0; i < kMany; ++i) {
    values[static_cast<std::size_t>(i)] =
        ::mmv_lookup_value_desc(map, "count", instances[static_cast<std::size_t>(i)].external);
    if (values[static_cast<std::size_t>(i)] == nullptr) return 1;
  }
  const int result = play(argc, argv, {{"inc", timed([&](std::uint64_t count) {
                                          for (std::uint64_t i = 0; i < count; ++i) {
                                            ::mmv_inc(map, values[i % kMany]);
                                          }
                                        })}});
  ::mmv_stats_stop("bench", map);
  ::unlink(configuration.c_str());
  ::rmdir((std::string(directory) + "/mmv").c_str());
  ::rmdir(directory);
  return result;
}
