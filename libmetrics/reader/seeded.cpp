#include "libmetrics/reader/seeded.h"

#include "libmetrics/format/random.h"

namespace metrics::reader {

namespace {
// Made when the program or library is loaded: a function's static variable would have a lock that a
// forked child may inherit held.
const format::HashKey key = format::random_key();
}  // namespace

const format::HashKey& seed() noexcept { return key; }

}  // namespace metrics::reader
