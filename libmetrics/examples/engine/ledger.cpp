#include "libmetrics/examples/engine/ledger.h"

#include <sys/mman.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <map>
#include <string>
#include <system_error>

#include "libmetrics/examples/engine/services.h"

namespace example {

Ledger::Ledger() {
  constexpr std::size_t kBytes = bamboo::kMetricCount * sizeof *entries_;
  void* const memory =
      ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  entries_ = static_cast<decltype(entries_)>(memory);  // all zeros
}

void Ledger::print() const {
  for (const bamboo::Row& row : bamboo::kCatalogue) {
    if (row.kind == bamboo::Kind::kGauge) continue;  // gauges don't count recordings
    std::map<std::string, std::uint64_t> counts;
    for (std::size_t i = 0; i < kNodes.size(); ++i) {
      const bamboo::NodeType type = node_type_of(static_cast<NodeId>(i));
      const std::string& label = row.labels == bamboo::Labels::kHost          ? ""
                                 : row.labels == bamboo::Labels::kTypeAndHost ? type.type
                                                                              : type.code;
      counts[label] += entries_[bamboo::index(row.metric)][i].load(std::memory_order_relaxed);
    }
    for (const auto& [label, count] : counts) {
      const char* const ending = row.kind == bamboo::Kind::kCounter ? "_total" : "_count";
      std::printf("counted\t%s%s\t%s\t%" PRIu64 "\n", row.name, ending, label.c_str(), count);
    }
  }
}

}  // namespace example
