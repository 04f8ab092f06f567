#include "libmetrics/format/exemplar.h"

#include <cstring>
#include <span>

#include "libmetrics/format/escaping.h"
#include "libmetrics/format/utf8.h"

namespace metrics::format {
namespace {

// Ids of traces are ASCII: eight characters at a time.
bool is_utf8(std::string_view text) noexcept {
  constexpr std::uint64_t kNotAscii = 0x8080808080808080;
  while (text.size() >= sizeof kNotAscii && (read_word(text.data()) & kNotAscii) == 0) {
    text.remove_prefix(sizeof kNotAscii);
  }
  while (!text.empty()) {
    const std::size_t bytes = character_bytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

// Names that begin with "__" are Prometheus's own. Others than legacy ones can't be escaped: text
// that says how it is escaped has them in no exemplar.
bool is_exemplar_name(std::string_view name) noexcept {
  return is_legacy_name(name, NameOf::kLabel) && !name.starts_with("__");
}

// Copies a name, without its end, of at most `room` characters. Returns its size; 0 if it is
// longer, or no name of a label.
std::size_t put_name(const char* name, char* to, std::size_t room) noexcept {
  static constexpr auto kMayHave = [] {
    std::array<bool, 256> table{};
    for (unsigned c = 0; c < table.size(); ++c) {
      table[c] = is_legacy(static_cast<char>(c), false, NameOf::kLabel);
    }
    return table;
  }();
  const char* end = name;
  const char* const last = name + room;
  while (end != last && kMayHave[static_cast<unsigned char>(*end)]) *to++ = *end++;
  const auto size = static_cast<std::size_t>(end - name);
  const bool is_own = size >= 2 && name[0] == '_' && name[1] == '_';
  return *end == '\0' && is_legacy(name[0], true, NameOf::kLabel) && !is_own ? size : 0;
}

}  // namespace

bool put_labels(const char* const* names, const char* const* values, std::size_t count,
                ExemplarWords& words) noexcept {
  auto* at = reinterpret_cast<char*>(words.text.data());
  char* const end = at + sizeof words.text;
  if (count > kMaxExemplarBytes || (count > 0 && (names == nullptr || values == nullptr))) {
    return false;
  }
  *at++ = static_cast<char>(2 * count);
  std::size_t left = kMaxExemplarBytes;
  // Returns how many bytes the next string may have, behind its size.
  const auto room = [&] { return std::min(left, static_cast<std::size_t>(end - at) - 1); };
  const auto put = [&](std::size_t size) {
    *at = static_cast<char>(size);
    at += 1 + size;
    left -= size;
  };
  for (std::size_t i = 0; i < count; ++i) {
    if (names[i] == nullptr || values[i] == nullptr || at == end) return false;
    const std::size_t name = put_name(names[i], at + 1, room());
    if (name == 0) return false;
    for (std::size_t k = 0; k < i; ++k) {
      if (std::strcmp(names[k], names[i]) == 0) return false;
    }
    put(name);
    if (at == end) return false;
    const std::size_t size = ::strnlen(values[i], room() + 1);
    if (size > room() || !is_utf8({values[i], size})) return false;
    std::memcpy(at + 1, values[i], size);
    put(size);
  }
  std::memset(at, 0, static_cast<std::size_t>(end - at));
  return true;
}

std::optional<ExemplarLabels> labels_in(const ExemplarWords& words) {
  std::string_view rest(reinterpret_cast<const char*>(words.text.data()), sizeof words.text);
  std::size_t count = static_cast<unsigned char>(rest[0]);
  rest.remove_prefix(1);
  if (count % 2 != 0) return std::nullopt;
  ExemplarLabels labels;
  std::string_view name;
  for (; count > 0; --count) {
    if (rest.empty()) return std::nullopt;
    const std::size_t size = static_cast<unsigned char>(rest[0]);
    if (size > kMaxExemplarBytes || size >= rest.size()) return std::nullopt;
    const std::string_view text = rest.substr(1, size);
    rest.remove_prefix(1 + size);
    if (count % 2 == 0) {
      name = text;
      continue;
    }
    const bool is_there = std::any_of(labels.begin(), labels.end(),
                                      [&](const auto& label) { return label.first == name; });
    if (is_there || !is_exemplar_name(name) || !is_utf8(text)) return std::nullopt;
    labels.emplace_back(name, text);
  }
  return labels;
}

}  // namespace metrics::format
