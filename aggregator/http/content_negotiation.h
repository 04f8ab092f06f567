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

// A content type that a server can answer with.
struct Offer {
  std::string_view content_type;
  int preference = 0;              // the higher one wins where a client likes two alike
  bool asked_for_in_full = false;  // a member accepts it only with all of its parameters
};

struct Preferred {
  std::size_t offer = 0;             // an index into the offers
  std::string_view parameters = {};  // of the member that accepts it, as they are written
};

// Returns which offer answers this Accept. A member of the header accepts one offer: the first in
// the list that has its type, or fits its wildcard, and has none of its parameters with another
// value. What a member with its type refuses (by a weight of 0, or a malformed one), a wildcard
// does not accept. The offer with the highest weight wins; among equal weights the one that a more
// specific member accepts, then the one with the higher preference. The order of the members does
// not matter. Returns the first offer, without parameters, if none is acceptable or the header was
// not sent (an empty string): a scrape in another format is more useful than no scrape.
Preferred preferred(std::string_view accept, std::span<const Offer> offers);

// Returns the value of a parameter in `a=b; c="d"`, without quotes; empty if there is none of that
// name, or if it is empty.
std::string_view parameter_value(std::string_view parameters, std::string_view name) noexcept;

}  // namespace metrics::http
