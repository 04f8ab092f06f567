// content_negotiation.h -- what a client wants to get, from its headers (RFC 9110, section 12.5).
#pragma once

#include <string_view>

namespace metrics::http {

// Whether gzip is the answer to this Accept-Encoding (empty: none was sent, so no).
// True if gzip (x-gzip and `*` count) is acceptable and identity is not preferred to it; on a tie,
// gzip. A member with a malformed weight is read as refused: sending plain text is always right.
bool wants_gzip(std::string_view accept_encoding) noexcept;

}  // namespace metrics::http
