// eventually.h -- waits for what the kernel, or another process, does a moment later.
#pragma once

#include <chrono>
#include <functional>

namespace metrics::test {

// Checks the condition again and again, yielding the processor in between. Returns true once it
// holds, false if it does not hold by the deadline.
bool eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds at_most = std::chrono::seconds(10));

}  // namespace metrics::test
