// ledger.h -- what the example's workers say that they have recorded, each time after they have: in
// memory that they share and that outlives them, so that it can be held against a scrape. An engine
// of yours needs none of this.
#pragma once

#include <atomic>
#include <cstdint>

#include "libmetrics/examples/engine/pipeline.h"
#include "metrics/bamboo.hpp"

namespace example {

namespace bamboo = metrics::bamboo;

class Ledger {
 public:
  // To be made before the first fork.
  Ledger();

  // Recorded once. `node`: of a metric with a type.
  void recorded(bamboo::Metric metric, NodeId node = NodeId::kStart) noexcept {
    entries_[bamboo::index(metric)][index(node)].fetch_add(1, std::memory_order_relaxed);
  }

  // `counted <tab> sample <tab> type <tab> count` for each series, by its sample that counts:
  // `_count` or `_total`. The type is empty for those that have none.
  void print() const;

  // Says so when its scope is left, and so is to stand before the scope that records.
  class Afterwards {
   public:
    Afterwards(Ledger& ledger, bamboo::Metric metric) : ledger_(ledger), metric_(metric) {}
    Afterwards(const Afterwards&) = delete;
    Afterwards& operator=(const Afterwards&) = delete;
    ~Afterwards() { ledger_.recorded(metric_); }

   private:
    Ledger& ledger_;
    bamboo::Metric metric_;
  };

  // The same for the steps of a call: each is recorded when the next one has begun, the last one
  // when this is left.
  class Steps {
   public:
    Steps(Ledger& ledger, bamboo::Call call, NodeId node)
        : ledger_(ledger), metrics_(bamboo::metrics_of(call)), node_(node) {}
    Steps(const Steps&) = delete;
    Steps& operator=(const Steps&) = delete;
    ~Steps() { record_step(); }
    void next(bamboo::Step step) noexcept {
      record_step();
      step_ = step;
    }
    void next(bamboo::Step step, bamboo::Outcome outcome) noexcept {
      next(step);
      if (outcome != bamboo::Outcome::kSucceeded) ledger_.recorded(metrics_.failed, node_);
      if (outcome == bamboo::Outcome::kException) ledger_.recorded(metrics_.exception, node_);
    }

   private:
    void record_step() noexcept {
      ledger_.recorded(metrics_.steps[static_cast<std::size_t>(step_)], node_);
    }
    Ledger& ledger_;
    const bamboo::CallMetrics metrics_;
    const NodeId node_;
    bamboo::Step step_ = bamboo::Step::kPreProcess;
  };

 private:
  std::atomic<std::uint64_t> (*entries_)[kNodes.size()];
};

}  // namespace example
