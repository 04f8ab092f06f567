// utf8.h -- makes text from outside valid UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace metrics::format {

// Returns `text` with every byte that is not part of valid UTF-8 replaced by U+FFFD, so that one
// bad byte from outside never costs a count or an exposition.
std::string valid_utf8(std::string_view text);

}  // namespace metrics::format
