// bamboo.hpp -- bamboo-engine's metrics for engines written in C++: the whole catalogue, and scopes
// that time the steps.
//
//   const bamboo::Engine engine;                    // before fork(): all families, hostname, bounds
//   const bamboo::Node hash = engine.node(bamboo::NodeType("ServiceActivity", "hash_v1"));
//   ...fork, fork, fork; threads...
//   engine.execute_claimed(message.sent);
//   const bamboo::Running run = engine.process_run();   // running, until the scope is left
//   auto pre = hash.execute();                      // step 1
//   const State state = [&] {
//     const metrics::Timer timer = engine.runtime<bamboo::Metric::kStateRead>();
//     return read_state();
//   }();
//   if (state.suspended) return;                    // step 1 is timed, the others did not happen
//   auto post = handler.execute(std::move(pre).handler_pre_process());  // steps 2 to 4; it returns step 5
//
// A header over metrics.hpp, whose promises hold here: recording never blocks, allocates or throws.
// What each family is and who records it is in METRICS.md, printed from catalogue.hpp.
#pragma once

#include "metrics/bamboo/bounds.hpp"     // IWYU pragma: export
#include "metrics/bamboo/catalogue.hpp"  // IWYU pragma: export
#include "metrics/bamboo/engine.hpp"     // IWYU pragma: export
#include "metrics/bamboo/steps.hpp"      // IWYU pragma: export
