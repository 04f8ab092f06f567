// utf8.h -- makes text from outside valid UTF-8.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace metrics::format {

// Returns how many bytes the character has that the text begins with; 0 if that is not valid UTF-8,
// or the text is empty.
std::size_t character_bytes(std::string_view text) noexcept;

// Returns `text` with every byte that is not part of valid UTF-8 replaced by U+FFFD, so that one
// bad byte from outside never costs a count or an exposition.
std::string valid_utf8(std::string_view text);
std::vector<std::string> valid_utf8(std::span<const std::string_view> texts);

}  // namespace metrics::format
