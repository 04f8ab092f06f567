// padded_text.h -- short texts that are copied again and again.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace metrics::exposition {

// A text behind whose end as many bytes may be read as copy_padded() reads too many.
class PaddedText {
 public:
  static constexpr std::size_t kPadding = 16;

  PaddedText() : PaddedText(std::string_view()) {}
  explicit PaddedText(std::string_view text) : size_(text.size()) {
    text_.reserve(size_ + kPadding);
    text_.assign(text).append(kPadding, '\0');
  }
  std::size_t size() const noexcept { return size_; }
  const char* data() const noexcept { return text_.data(); }

 private:
  std::size_t size_;
  std::string text_;
};

// Copies some bytes of a padded text, and returns their end in `to`. May write up to kPadding bytes
// behind that, and takes less time than memcpy(), which has to find out how many there are.
[[gnu::always_inline]] inline char* copy_padded(char* to, const char* from,
                                                std::size_t size) noexcept {
  constexpr std::size_t kStep = PaddedText::kPadding;
  std::memcpy(to, from, kStep);
  if (size > kStep) std::memcpy(to + kStep, from + kStep, kStep);
  if (size > 2 * kStep) std::memcpy(to + 2 * kStep, from + 2 * kStep, kStep);
  if (size > 3 * kStep) std::memcpy(to + 3 * kStep, from + 3 * kStep, size - 3 * kStep);
  return to + size;
}

}  // namespace metrics::exposition
