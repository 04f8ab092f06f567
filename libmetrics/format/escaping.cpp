#include "libmetrics/format/escaping.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "libmetrics/format/utf8.h"

namespace metrics::format {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"underscores", "allow-utf-8", "dots", "values"};

void append_hexadecimal(std::string& to, std::uint32_t number) {
  char buffer[8];
  to.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, number, 16).ptr);
}

}  // namespace

std::string_view to_string(Escaping escaping) noexcept {
  return kNames[static_cast<std::size_t>(escaping)];
}

std::optional<Escaping> escaping_named(std::string_view name) noexcept {
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Escaping>(found - kNames.begin());
}

bool is_legacy_name(std::string_view name, NameOf of) noexcept {
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (!is_legacy(name[i], i == 0, of)) return false;
  }
  return !name.empty();
}

std::string escaped(std::string_view name, Escaping escaping, NameOf of) {
  if (escaping == Escaping::kAllowUtf8) return std::string(name);
  // Dots double the underscores of legacy names, too.
  if (escaping != Escaping::kDots && is_legacy_name(name, of)) return std::string(name);
  std::string text = escaping == Escaping::kValues && !name.empty() ? "U__" : "";
  for (bool first = true; !name.empty(); first = false) {
    const std::string_view character =
        name.substr(0, std::max<std::size_t>(character_bytes(name), 1));
    name.remove_prefix(character.size());
    const char c = character[0];
    if (c == '_' && escaping != Escaping::kUnderscores) {
      text += "__";
    } else if (c == '.' && escaping == Escaping::kDots) {
      text += "_dot_";
    } else if (is_legacy(c, first, of)) {
      text += c;
    } else if (escaping == Escaping::kValues) {
      text += '_';
      append_hexadecimal(text, code_point(character));
      text += '_';
    } else {
      text += escaping == Escaping::kDots ? "__" : "_";
    }
  }
  return text;
}

}  // namespace metrics::format
