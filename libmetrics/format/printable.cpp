#include "libmetrics/format/printable.h"

#include <array>
#include <cstdint>
#include <cstdio>

#include "libmetrics/format/utf8.h"

namespace metrics::format {
namespace {

// Terminals obey the control characters, those above ASCII too. The others end a line, or change
// the order in which the text after them is shown.
bool is_harmful(std::uint32_t point) noexcept {
  struct Range {
    std::uint32_t first, last;
  };
  constexpr std::array<Range, 7> kHarmful = {{{0x00, 0x1f},
                                              {0x7f, 0x9f},
                                              {0x61c, 0x61c},
                                              {0x200e, 0x200f},
                                              {0x2028, 0x202e},
                                              {0x2066, 0x2069},
                                              {0xfeff, 0xfeff}}};
  for (const auto& [first, last] : kHarmful) {
    if (point >= first && point <= last) return true;
  }
  return false;
}

// Splits the first character off the text and returns its code point; if it is not UTF-8, splits
// one byte off and returns kNone.
constexpr std::uint32_t kNone = ~std::uint32_t{0};
std::uint32_t take(std::string_view& text, std::string_view& taken) noexcept {
  const std::size_t bytes = character_bytes(text);
  taken = text.substr(0, bytes == 0 ? 1 : bytes);
  text.remove_prefix(taken.size());
  return bytes == 0 ? kNone : code_point(taken);
}

void append_shown(std::string& to, std::uint32_t point, std::string_view taken) {
  if (point == '\n' || point == '\t' || point == '\r') {
    to += point == '\n' ? "\\n" : point == '\t' ? "\\t" : "\\r";
    return;
  }
  std::array<char, 16> spelled{};
  if (point == kNone) {
    std::snprintf(spelled.data(), spelled.size(), "\\x%02x",
                  static_cast<unsigned>(static_cast<unsigned char>(taken.front())));
  } else {
    std::snprintf(spelled.data(), spelled.size(), "\\u%04x", static_cast<unsigned>(point));
  }
  to += spelled.data();
}

std::string shown(std::string_view text, bool keeps_lines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::string_view taken;
    const std::uint32_t point = take(text, taken);
    const bool stays = point != kNone && (!is_harmful(point) || (keeps_lines && point == '\n'));
    if (stays) {
      out += taken;
    } else {
      append_shown(out, point, taken);
    }
  }
  return out;
}

}  // namespace

bool is_printable(std::string_view text) noexcept {
  while (!text.empty()) {
    std::string_view taken;
    const std::uint32_t point = take(text, taken);
    if (point == kNone || is_harmful(point)) return false;
  }
  return true;
}

std::string printable(std::string_view text) { return shown(text, false); }

std::string printable_lines(std::string_view text) { return shown(text, true); }

}  // namespace metrics::format
