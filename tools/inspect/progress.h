// progress.h -- shows how far a long command is, on a terminal only.
#pragma once

#include <cstdint>
#include <string>

namespace metrics::inspect {

// A line on standard error, which ends with it. It appears once the command has taken half a
// second, and never if standard error is not a terminal.
class Progress {
 public:
  explicit Progress(std::string what);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();
  void operator()(std::uint64_t done, std::uint64_t all);

 private:
  const std::string what_;
  const bool is_shown_;
  std::uint64_t next_ns_;  // when the line may be printed again
  bool has_line_ = false;
};

}  // namespace metrics::inspect
