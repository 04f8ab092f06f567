#include "libmetrics/format/exemplar.h"

#include <cstring>
#include <span>

#include "libmetrics/format/escaping.h"
#include "libmetrics/format/utf8.h"

namespace metrics::format {
namespace {

// Text is looked at eight characters at a time, as one word.
constexpr std::uint64_t kEach = 0x0101010101010101;
constexpr std::uint64_t kHighest = 0x80 * kEach;

constexpr auto is_ascii = [](std::uint64_t word) { return (word & kHighest) == 0; };

// Sets the highest bit of each character that is one of `first` to `last`, which are ASCII: not of
// another one, even if a sum is carried to it from its neighbour.
constexpr std::uint64_t among(std::uint64_t word, unsigned char first,
                              unsigned char last) noexcept {
  return (word + (0x80u - first) * kEach) & ~(word + (0x7fu - last) * kEach);
}
// Returns true if a label's name may have these characters behind its first one.
constexpr auto is_of_a_name = [](std::uint64_t word) {
  constexpr std::uint64_t kLowerCase = 0x20 * kEach;
  const std::uint64_t may_stand =
      among(word | kLowerCase, 'a', 'z') | among(word, '0', '9') | among(word, '_', '_');
  return (may_stand & kHighest) == kHighest;
};

// Copies text in words of that type, which overlap at its end; it must have one at least. Returns
// true if is_good(word) is true for all of them; shorter ones are filled up with '_'.
template <class Word, class IsGood>
bool copy_words(const char* from, std::size_t size, char* to, IsGood is_good) noexcept {
  constexpr std::size_t kBits = 8 * sizeof(Word);
  constexpr std::uint64_t kFill = kBits < 64 ? std::uint64_t{'_'} * kEach << kBits % 64 : 0;
  bool all = true;
  const auto move = [&](std::size_t at) {
    Word word;
    std::memcpy(&word, from + at, sizeof word);
    std::memcpy(to + at, &word, sizeof word);
    all &= is_good(word | kFill);
  };
  for (std::size_t at = 0; at + sizeof(Word) < size; at += sizeof(Word)) move(at);
  move(size - sizeof(Word));
  return all;
}
template <class IsGood>
bool copy(const char* from, std::size_t size, char* to, IsGood is_good) noexcept {
  if (size >= 8) return copy_words<std::uint64_t>(from, size, to, is_good);
  if (size >= 4) return copy_words<std::uint32_t>(from, size, to, is_good);
  return size == 0 || copy_words<std::uint8_t>(from, size, to, is_good);
}

// Names that begin with "__" are Prometheus's own. Others than legacy ones can't be escaped: text
// that says how it is escaped has them in no exemplar.
bool is_exemplar_name(std::string_view name) noexcept {
  return is_legacy_name(name, NameOf::kLabel) && !name.starts_with("__");
}

// Copies a name. Returns false if it can't be an exemplar's.
constexpr auto put_name = [](const char* name, std::size_t size, char* to) {
  const bool is_own = size >= 2 && name[0] == '_' && name[1] == '_';
  return is_legacy(name[0], true, NameOf::kLabel) && !is_own && copy(name, size, to, is_of_a_name);
};
constexpr auto put_value = [](const char* value, std::size_t size, char* to) {
  // Ids of traces are ASCII.
  return copy(value, size, to, is_ascii) || is_valid_utf8({value, size});
};

}  // namespace

bool put_labels(const char* const* names, const char* const* values, std::size_t count,
                ExemplarWords& words) noexcept {
  constexpr std::size_t kRoom = sizeof words.text - 1;  // for strings, and the size of each
  if (count > kRoom / 2 || (count > 0 && (names == nullptr || values == nullptr))) return false;
  std::size_t left = std::min(kMaxExemplarBytes, kRoom - 2 * count);
  auto* at = reinterpret_cast<char*>(words.text.data());
  char* const end = at + sizeof words.text;
  *at++ = static_cast<char>(2 * count);
  const auto put = [&](const char* text, auto put_text) {
    const std::size_t size = ::strnlen(text, left + 1);
    if (size > left || !put_text(text, size, at + 1)) return false;
    *at = static_cast<char>(size);
    at += 1 + size;
    left -= size;
    return true;
  };
  for (std::size_t i = 0; i < count; ++i) {
    if (names[i] == nullptr || values[i] == nullptr || !put(names[i], put_name)) return false;
    for (std::size_t k = 0; k < i; ++k) {
      if (std::strcmp(names[k], names[i]) == 0) return false;
    }
    if (!put(values[i], put_value)) return false;
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
    if (is_there || !is_exemplar_name(name) || !is_valid_utf8(text)) return std::nullopt;
    labels.emplace_back(name, text);
  }
  return labels;
}

}  // namespace metrics::format
