#include "aggregator/http/request_head.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "aggregator/http/ascii.h"

namespace metrics::http {
namespace {

struct SchemeFacts {
  std::string_view prefix;
  std::uint16_t default_port;
};
constexpr std::array<SchemeFacts, 2> kSchemes = {{{"http://", 80}, {"https://", 443}}};

bool is_control(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

// Returns the port of an authority, or an empty optional if that is malformed.
std::optional<std::uint16_t> port_of(std::string_view authority,
                                     std::uint16_t default_port) noexcept {
  const bool legal = std::all_of(authority.begin(), authority.end(), [](char c) {
    return std::string_view("@?#\\\"").find(c) == std::string_view::npos;
  });
  const std::size_t colon = authority.find(':', authority.find(']') + 1);
  if (!legal || authority.empty() || colon == 0) return std::nullopt;
  if (colon == std::string_view::npos) return default_port;
  const std::string_view digits = authority.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return port;
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
                                                  const Origin& origin) noexcept {
  const auto& [prefix, default_port] = kSchemes[static_cast<std::size_t>(origin.scheme)];
  const std::size_t line_end = std::min(head.find_first_of("\r\n"), head.size());
  const std::size_t target = head.substr(0, line_end).find(' ') + 1;
  if (target == 0) return {};
  std::string_view rest = head.substr(target, line_end - target);
  rest = rest.substr(0, rest.find(' '));
  if (!equal_ignoring_case(rest.substr(0, prefix.size()), prefix)) return {};
  const std::size_t path = rest.find('/', prefix.size());
  if (path == std::string_view::npos) return {};
  const auto port = port_of(rest.substr(prefix.size(), path - prefix.size()), default_port);
  if (!port || (origin.port && port != origin.port)) return {};
  return {target, path};
}

}  // namespace metrics::http
