// eventually.h -- waiting for what the kernel, or another process, does a moment later.
#pragma once

#include <chrono>
#include <functional>

namespace metrics::test {

// Asks again and again, yielding the processor in between, until the condition holds. Returns false
// when it does not hold by the deadline.
bool eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds at_most = std::chrono::seconds(10));

}  // namespace metrics::test
