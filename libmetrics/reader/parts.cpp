#include "libmetrics/reader/parts.h"

#include <algorithm>
#include <exception>
#include <system_error>
#include <thread>
#include <vector>

namespace metrics::reader {

std::size_t Threads::parts(std::size_t work) const noexcept {
  return std::clamp<std::size_t>(work / std::max<std::size_t>(least_work, 1), 1,
                                 std::max<std::size_t>(most, 1));
}

void in_parts(std::size_t parts, const std::function<void(std::size_t)>& do_part) {
  if (parts == 1) return do_part(0);
  std::vector<std::exception_ptr> failures(parts);
  const auto do_guarded = [&](std::size_t part) noexcept {
    try {
      do_part(part);
    } catch (...) {
      failures[part] = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;  // each of them ends before the vector does
    threads.reserve(parts);
    std::size_t next = 1;
    try {
      for (; next < parts; ++next) threads.emplace_back(do_guarded, next);
    } catch (const std::system_error&) {  // the rest is done here
    }
    do_guarded(0);
    for (; next < parts; ++next) do_guarded(next);
  }
  const auto failed = std::ranges::find_if(failures, [](const auto& f) { return f != nullptr; });
  if (failed != failures.end()) std::rethrow_exception(*failed);
}

}  // namespace metrics::reader
