// bamboo.hpp -- bamboo-engine's metrics for engines written in C++: the whole catalogue, and scopes
// that time the steps.
//
//   const bamboo::Engine engine;                       // before fork(): registers all families
//   const bamboo::Node hash = engine.node(bamboo::NodeType("ServiceActivity", "hash_v1"));
//   ...fork, fork, fork; threads...
//   engine.execute_claimed(message.sent);
//   const bamboo::Running run = engine.process_run();  // counts it as running in this scope
//   auto pre = hash.execute();                         // begins step 1
//   const State state = [&] {
//     const metrics::Timer timer = engine.runtime<bamboo::Metric::kStateRead>();
//     return read_state();
//   }();
//   if (state.suspended) return;                       // only step 1 is timed
//   auto post = handler.execute(std::move(pre).handler_pre_process());  // does 2 to 4, returns 5
//
// This header builds on metrics.hpp, whose promises hold here: recording never blocks, allocates or
// throws. METRICS.md, printed from catalogue.hpp, lists each family and the call that records it.
#pragma once

#include "metrics/bamboo/bounds.hpp"     // IWYU pragma: export
#include "metrics/bamboo/catalogue.hpp"  // IWYU pragma: export
#include "metrics/bamboo/engine.hpp"     // IWYU pragma: export
#include "metrics/bamboo/steps.hpp"      // IWYU pragma: export
