// content_negotiation.h -- what a client wants to get, from its headers (RFC 9110, section 12.5).
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace metrics::http {

// Whether gzip is the answer to this Accept-Encoding (empty: none was sent, so no).
// True if gzip (x-gzip and `*` count) is acceptable and identity is not preferred to it; on a tie,
// gzip. A member with a malformed weight is read as refused: sending plain text is always right.
bool wants_gzip(std::string_view accept_encoding) noexcept;

// Which of the offered content types is the answer to this Accept: its index. An offer is acceptable
// to a member with its type, or with a wildcard, unless the member has a parameter that the offer
// has too, with another value. The highest weight wins; on a tie the more specific member, then the
// offer that stands first. The order of members is no preference. If none is acceptable, or no
// header was sent (empty), the first one: a scrape in another format is more use than none.
std::size_t preferred(std::string_view accept, std::span<const std::string_view> offers);

}  // namespace metrics::http
