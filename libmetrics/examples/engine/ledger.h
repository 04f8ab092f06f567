// ledger.h -- counts what the example's workers have recorded, each time after they have. The
// counts are in memory that the workers share and that outlives them, so that a test can compare
// them with a scrape. Your engine needs none of this.
#pragma once

#include <atomic>
#include <cstdint>

#include "libmetrics/examples/engine/pipeline.h"
#include "metrics/bamboo.hpp"

namespace example {

namespace bamboo = metrics::bamboo;

// Any thread of any worker may use it.
class Ledger {
 public:
  // Must be made before the first fork. Throws std::system_error if there is no memory.
  Ledger();

  // Counts that the metric was recorded once. `node` is used if the metric has a type.
  void recorded(bamboo::Metric metric, NodeId node = NodeId::kStart) noexcept {
    entries_[bamboo::index(metric)][index(node)].fetch_add(1, std::memory_order_relaxed);
  }

  // Prints `counted <tab> sample <tab> type <tab> count` for each series, where the sample is the
  // one that counts, `_count` or `_total`. The type is empty for series without one.
  void print() const;

  // Counts when its scope is left. It must be declared before the object that records, so that it
  // counts after that.
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

  // Does the same for the steps of a call: counts each one when the next one has begun, and the
  // last one when its scope is left.
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
