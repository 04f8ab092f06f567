// screen.h -- top on a terminal.
#pragma once

#include "tools/inspect/top/source.h"
#include "tools/inspect/top/view.h"

namespace metrics::inspect::top {

// Shows what `source` reads, until a key or a signal ends it, or `count` intervals have passed
// unless that is 0. Restores the terminal whatever ends it. Throws std::runtime_error if the
// terminal is of a kind that nobody knows.
void run_on_terminal(Source& source, Choices choices, unsigned count);

}  // namespace metrics::inspect::top
