// progress.h -- how far a long piece of work is, for a person who waits for it.
#pragma once

#include <cstdint>
#include <functional>

namespace metrics::reader {

// Is called now and then with how many of all parts are done.
using Progress = std::function<void(std::uint64_t done, std::uint64_t all)>;

}  // namespace metrics::reader
