#include "libmetrics/format/utf8.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace metrics::format {

std::size_t character_bytes(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0u) == 0x80u; };
  const unsigned first = byte(0);
  const unsigned second = byte(1);
  if (first < 0x80) return text.empty() ? 0 : 1;
  if (first >= 0xc2 && first <= 0xdf && follows(1)) return 2;
  if (first >= 0xe0 && first <= 0xef && follows(1) && follows(2)) {
    const bool overlong = first == 0xe0 && second < 0xa0;
    const bool surrogate = first == 0xed && second >= 0xa0;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xf0 && first <= 0xf4 && follows(1) && follows(2) && follows(3)) {
    const bool overlong = first == 0xf0 && second < 0x90;
    const bool beyond = first == 0xf4 && second >= 0x90;
    return overlong || beyond ? 0 : 4;
  }
  return 0;
}

std::uint32_t code_point(std::string_view character) noexcept {
  const auto first = static_cast<unsigned char>(character.front());
  if (character.size() == 1) return first;
  std::uint32_t point = first & (0x7fu >> character.size());
  for (const char c : character.substr(1)) {
    point = point << 6 | (static_cast<unsigned char>(c) & 0x3fu);
  }
  return point;
}

void move_character(std::string_view& text, std::string& to) {
  const std::size_t bytes = character_bytes(text);
  to += bytes == 0 ? "\xef\xbf\xbd" : text.substr(0, bytes);
  text.remove_prefix(std::max<std::size_t>(bytes, 1));
}

bool is_valid_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    // Most text is ASCII: eight bytes of it at a time.
    constexpr std::uint64_t kNotAscii = 0x8080808080808080;
    std::uint64_t word = 0;
    if (text.size() >= sizeof word) {
      std::memcpy(&word, text.data(), sizeof word);
      if ((word & kNotAscii) == 0) {
        text.remove_prefix(sizeof word);
        continue;
      }
    }
    const std::size_t bytes = character_bytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) move_character(text, out);
  return out;
}

}  // namespace metrics::format
