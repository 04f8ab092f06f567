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

// Returns a text without what is surely too long.
std::string_view beginning_of(const char* text) noexcept {
  return {text, ::strnlen(text, kMaxExemplarBytes + 1)};
}

}  // namespace

std::uint32_t place_of(double value, std::uint32_t bucket, std::uint32_t places,
                       bool native) noexcept {
  if (places == 0) return 0;
  return (native ? octave_of(value) : bucket) % places;
}

std::uint64_t check_of(const ExemplarWords& words, const PlaceId& id, const HashKey& key) noexcept {
  const std::uint64_t record = hash_word(id.record, key[1], key);
  const std::uint64_t seed = hash_word(id.cell, hash_word(id.live, record, key), key);
  return hash_string(
      {reinterpret_cast<const char*>(&words.stamp), sizeof words - offsetof(ExemplarWords, stamp)},
      seed, key);
}

bool put_labels(const char* const* names, const char* const* values, std::size_t count,
                ExemplarWords& words) noexcept {
  words.text = {};
  auto* at = reinterpret_cast<char*>(words.text.data());
  const char* const end = at + sizeof words.text;
  if (count > kMaxExemplarBytes || (count > 0 && (names == nullptr || values == nullptr))) {
    return false;
  }
  *at++ = static_cast<char>(2 * count);
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (names[i] == nullptr || values[i] == nullptr) return false;
    const std::string_view name = beginning_of(names[i]), value = beginning_of(values[i]);
    for (const std::string_view text : {name, value}) {
      bytes += text.size();
      if (bytes > kMaxExemplarBytes || text.size() + 1 > static_cast<std::size_t>(end - at)) {
        return false;
      }
      *at++ = static_cast<char>(text.size());
      std::memcpy(at, text.data(), text.size());
      at += text.size();
    }
    if (!is_exemplar_name(name) || !is_utf8(value)) return false;
    for (std::size_t k = 0; k < i; ++k) {
      if (std::string_view(names[k]) == name) return false;
    }
  }
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
