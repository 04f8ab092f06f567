// cases.h -- the cases of the fault suite. Each file has its own; the order is that of a full run.
#pragma once

#include "tests/torture/run.h"

namespace metrics::torture {

void kill_at_random(Run& run);                   // kills.cpp
void kill_while_created(Run& run);               // kills.cpp
void kill_at_instructions(Run& run);             // steps.cpp
void kill_while_exemplars_are_stored(Run& run);  // exemplars.cpp
void fork_in_all_forms(Run& run);                // forks.cpp
void damaged_segments(Run& run);                 // damaged.cpp
void who_is_alive(Run& run);                     // liveness.cpp
void space_runs_out(Run& run);                   // space.cpp, limits.cpp
void scrapes_in_order(Run& run);                 // order.cpp
void signals_and_threads(Run& run);              // signals.cpp
void removed_and_made_anew(Run& run);            // removal.cpp
void released_under_load(Run& run);              // releases.cpp
void edges_of_a_process(Run& run);               // edges.cpp
void served_beside_strangers(Run& run);          // neighbours.cpp
void aggregator_under_attack(Run& run);          // attack.cpp
void everything_at_once(Run& run);               // siege.cpp
void label_sets_come_and_go(Run& run);           // churn.cpp

}  // namespace metrics::torture
