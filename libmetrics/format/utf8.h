// utf8.h -- text from outside, made valid.
#pragma once

#include <string>
#include <string_view>

namespace metrics::format {

// `text` with every byte that is not part of valid UTF-8 replaced by U+FFFD, so that one bad byte
// from outside never costs a count or an exposition.
std::string valid_utf8(std::string_view text);

}  // namespace metrics::format
