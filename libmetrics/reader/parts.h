// parts.h -- does the parts of a large piece of work at the same time, each in a thread of its own.
#pragma once

#include <cstddef>
#include <functional>

namespace metrics::reader {

// How many threads may work at the same time. A thread costs about as much as it takes to add or
// to print some ten thousand numbers, so that each must have more to do than that.
struct Threads {
  std::size_t most = 1;
  std::size_t least_work = std::size_t{1} << 18;  // of each, in numbers

  friend bool operator==(const Threads&, const Threads&) = default;

  // Returns how many parts a work on so many numbers is divided into.
  std::size_t parts(std::size_t work) const noexcept;
};

// Calls do_part() with each number below `parts`: with 0 in this thread, with each other one in a
// thread of its own, or in this one if there is no thread to be had. Returns when all have been
// done. Throws what the first of them that failed has thrown.
void in_parts(std::size_t parts, const std::function<void(std::size_t)>& do_part);

}  // namespace metrics::reader
