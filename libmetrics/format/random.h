// random.h -- numbers that nobody can guess.
#pragma once

#include "libmetrics/format/hash.h"

namespace metrics::format {

// Returns two random words from the kernel. Early at boot, before it has any, they are derived from
// the bytes that it gave this process at its start (AT_RANDOM): those are as hard to guess, but the
// same for all calls of the process and of its forked children. Never waits.
HashKey random_key() noexcept;

}  // namespace metrics::format
