// memory.h -- how this process keeps memory from one scrape to the next.
#pragma once

namespace metrics::scrape {

// Tells malloc() what scrapes need of it. For programs that do little else; before the first one.
void set_up_memory() noexcept;

}  // namespace metrics::scrape
