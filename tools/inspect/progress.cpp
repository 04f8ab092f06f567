#include "tools/inspect/progress.h"

#include <unistd.h>

#include <chrono>
#include <utility>

#include "tools/inspect/output.h"
#include "tools/inspect/table.h"

namespace metrics::inspect {
namespace {

constexpr std::uint64_t kPatienceNs = 500'000'000, kBetweenNs = 100'000'000;

std::uint64_t now() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

}  // namespace

Progress::Progress(std::string what)
    : what_(std::move(what)),
      is_shown_(::isatty(STDERR_FILENO) != 0),
      next_ns_(now() + kPatienceNs) {}

Progress::~Progress() {
  if (has_line_) replace_line("");
}

void Progress::operator()(std::uint64_t done, std::uint64_t all) {
  if (!is_shown_ || all == 0 || now() < next_ns_) return;
  next_ns_ = now() + kBetweenNs;
  has_line_ = true;
  replace_line(what_ + ": " + percent(done, all));
}

}  // namespace metrics::inspect
