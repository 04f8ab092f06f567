// content_negotiation.h -- chooses coding and content type by a client's headers (RFC 9110, 12.5).
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace metrics::http {

// Returns true if the answer to this Accept-Encoding must be compressed with gzip: the client
// accepts gzip (as gzip, x-gzip or `*`) and does not prefer identity to it. Equal weights mean
// gzip; an empty string, for a header that was not sent, means identity. A member with a malformed
// weight counts as refused, since plain text is always a correct answer.
bool wants_gzip(std::string_view accept_encoding) noexcept;

// Returns the index of the offered content type that answers this Accept. A member of the header
// accepts an offer if it is a wildcard that fits, or has the offer's type and no parameter that the
// offer has with another value. The offer with the highest weight wins; among equal weights the one
// that a more specific member accepts, then the one that comes first. The order of the members does
// not matter. Returns 0 if no offer is acceptable or the header was not sent (an empty string): a
// scrape in another format is more useful than no scrape.
std::size_t preferred(std::string_view accept, std::span<const std::string_view> offers);

}  // namespace metrics::http
