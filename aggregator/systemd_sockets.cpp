#include "aggregator/systemd_sockets.h"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace metrics::aggregator {
namespace {

constexpr int kFirst = 3;  // behind standard input, output and error
constexpr int kMost = 1000;

std::optional<int> number_in(const char* variable) noexcept {
  const char* const value = std::getenv(variable);
  if (value == nullptr) return std::nullopt;
  const std::string_view text(value);
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : -1;
}

}  // namespace

std::vector<int> systemd_sockets() {
  std::vector<int> descriptors;
  // Variables that a parent got for itself are none of ours.
  if (number_in("LISTEN_PID") != ::getpid()) return descriptors;
  const int count = number_in("LISTEN_FDS").value_or(0);
  if (count < 0 || count > kMost) {
    throw std::invalid_argument("LISTEN_FDS must be a number from 0 to " + std::to_string(kMost));
  }
  for (int i = 0; i < count; ++i) descriptors.push_back(kFirst + i);
  return descriptors;
}

}  // namespace metrics::aggregator
