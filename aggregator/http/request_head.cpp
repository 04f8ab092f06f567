#include "aggregator/http/request_head.h"

#include <algorithm>
#include <charconv>

#include "aggregator/http/ascii.h"

namespace metrics::http {
namespace {

constexpr std::string_view kScheme = "http://";
constexpr std::uint16_t kDefaultPort = 80;

bool is_control(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

// Returns the port of an authority, or 0 if that is malformed.
std::uint16_t port_of(std::string_view authority) noexcept {
  const bool legal = std::all_of(authority.begin(), authority.end(), [](char c) {
    return std::string_view("@?#\\\"").find(c) == std::string_view::npos;
  });
  const std::size_t colon = authority.find(':', authority.find(']') + 1);
  if (!legal || authority.empty() || colon == 0) return 0;
  if (colon == std::string_view::npos) return kDefaultPort;
  const std::string_view digits = authority.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return error == std::errc() && end == digits.data() + digits.size() ? port : 0;
}

}  // namespace

HeadScanner::Result HeadScanner::scan(std::string_view bytes) noexcept {
  const std::size_t limit = std::min(bytes.size(), kMaxHead);
  while (at_ < limit) {
    const char c = bytes[at_];
    const char before = at_ > 0 ? bytes[at_ - 1] : '\0';
    if (is_control(c) && c != '\r' && c != '\n') return Result::kBroken;
    if ((c == '\n') != (before == '\r')) plain_ = false;
    ++at_;
    if (c == '\n' && (before == '\n' || bytes.substr(0, at_).ends_with("\r\n\r\n"))) {
      return Result::kWhole;
    }
  }
  return bytes.size() < kMaxHead ? Result::kPartial : Result::kBroken;
}

std::pair<std::size_t, std::size_t> own_authority(std::string_view head,
                                                  std::uint16_t port) noexcept {
  const std::size_t line_end = std::min(head.find_first_of("\r\n"), head.size());
  const std::size_t target = head.substr(0, line_end).find(' ') + 1;
  if (target == 0) return {};
  std::string_view rest = head.substr(target, line_end - target);
  rest = rest.substr(0, rest.find(' '));
  if (!equal_ignoring_case(rest.substr(0, kScheme.size()), kScheme)) return {};
  const std::size_t path = rest.find('/', kScheme.size());
  if (path == std::string_view::npos) return {};
  if (port_of(rest.substr(kScheme.size(), path - kScheme.size())) != port) return {};
  return {target, path};
}

}  // namespace metrics::http
