#include "tests/torture/run.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace metrics::torture {

std::string_view watched_by() {
  constexpr std::string_view kSanitizer = TEST_SANITIZER;
  if (!kSanitizer.empty()) return kSanitizer;
  const char* preloaded = std::getenv("LD_PRELOAD");  // Valgrind's own way in
  const bool valgrind = preloaded != nullptr &&
                        std::string_view(preloaded).find("vgpreload") != std::string_view::npos;
  return valgrind ? "valgrind" : "";
}

Run::Run(std::string name, double seconds, std::uint64_t seed, std::string directory)
    : random(seed),
      name_(std::move(name)),
      seconds_(seconds),
      seed_(seed),
      directory_(std::move(directory)),
      start_(Clock::now()),
      end_(start_ +
           std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds))) {}

Clock::time_point Run::share(unsigned parts) const {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(
                            std::chrono::duration<double>(seconds_ / parts));
}

// Of one length, so that runs that differ in nothing else take the same way.
std::string Run::fresh_path() {
  const std::string number = std::to_string(1'000'000 + ++paths_);
  return directory_ + "/segment" + number.substr(1);
}

void Run::count(std::string_view what, std::uint64_t n) {
  const auto known = std::find_if(counts_.begin(), counts_.end(),
                                  [&](const auto& entry) { return entry.first == what; });
  if (known == counts_.end()) {
    counts_.emplace_back(what, n);
  } else {
    known->second += n;
  }
}

void Run::fault(const std::string& what) {
  ++faults_;
  std::printf("  FAULT: %s\n         replay: tools/torture --seconds %g --seed %llu %s\n",
              what.c_str(), seconds_, static_cast<unsigned long long>(seed_), name_.c_str());
  std::fflush(stdout);
}

bool Run::check(bool true_if_fine, const std::string& what) {
  if (!true_if_fine) fault(what);
  return true_if_fine;
}

void Run::skip(const std::string& why) {
  if (std::find(skipped_.begin(), skipped_.end(), why) != skipped_.end()) return;
  skipped_.push_back(why);
  std::printf("  skipped: %s\n", why.c_str());
}

bool Run::possible(const std::string& what, std::string_view not_watched_by) {
  if (watched_by().empty() || not_watched_by.find(watched_by()) == std::string_view::npos) {
    return true;
  }
  skip(what + ": not with " + std::string(watched_by()));
  return false;
}

int Run::finish() {
  for (const auto& [what, n] : counts_) {
    std::printf("  %12llu  %s\n", static_cast<unsigned long long>(n), what.c_str());
  }
  const std::chrono::duration<double> taken = Clock::now() - start_;
  std::printf("  %s, %.1f s\n", faults_ == 0 ? "no fault" : "FAULTS", taken.count());
  std::fflush(stdout);
  return faults_ == 0 ? 0 : 1;
}

}  // namespace metrics::torture
