// utf8.h -- makes text from outside valid UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace metrics::format {

// Returns how many bytes the character has that the text begins with; 0 if that is not valid UTF-8,
// or the text is empty.
std::size_t character_bytes(std::string_view text) noexcept;

// Returns the code point of the one character, found by character_bytes(), that `character` is; of
// a byte that is not part of valid UTF-8, and alone, some number.
std::uint32_t code_point(std::string_view character) noexcept;

// Returns true if all of the text is valid UTF-8.
bool is_valid_utf8(std::string_view text) noexcept;

// Returns `text` with every byte that is not part of valid UTF-8 replaced by U+FFFD, so that one
// bad byte from outside never costs a count or an exposition.
std::string valid_utf8(std::string_view text);

// Moves the first character of `text`, which must not be empty, to the end of `to`. A byte that is
// not part of valid UTF-8 counts as a character, and becomes U+FFFD.
void move_character(std::string_view& text, std::string& to);

}  // namespace metrics::format
