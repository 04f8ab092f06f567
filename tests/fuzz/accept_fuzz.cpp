// accept_fuzz.cpp -- the choice of a format by a header `Accept`, whatever is in it: an answer
// among the offers, parameters that are a part of the header, and the same answer whatever the
// order of the members is.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/exposition/formats.h"
#include "aggregator/http/content_negotiation.h"

namespace {

using namespace metrics::http;

void fail(const char* why) {
  std::fprintf(stderr, "%s\n", why);
  std::abort();
}

// Returns the header with its members in the opposite order; a member with a quote is not moved
// past, since what it quotes may have a comma.
std::string reversed(std::string_view accept) {
  std::vector<std::string_view> members;
  while (true) {
    const std::size_t end = accept.find(',');
    members.push_back(accept.substr(0, end));
    if (end == std::string_view::npos) break;
    accept.remove_prefix(end + 1);
  }
  std::string text;
  for (auto member = members.rbegin(); member != members.rend(); ++member) {
    if (member != members.rbegin()) text += ',';
    text += *member;
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<Offer> offers = [] {
    std::vector<Offer> all;
    for (const metrics::exposition::Format& f : metrics::exposition::formats()) {
      all.push_back({f.content_type, f.preference, f.asked_for_in_full});
    }
    return all;
  }();
  const std::string_view accept(reinterpret_cast<const char*>(data), size);
  const Preferred answer = preferred(accept, offers);
  if (answer.offer >= offers.size()) fail("no offer");
  const std::string_view parameters = answer.parameters;
  const auto inside = [&](std::string_view part, std::string_view whole) {
    return part.empty() || (part.data() >= whole.data() &&
                            part.data() + part.size() <= whole.data() + whole.size());
  };
  if (!inside(parameters, accept)) fail("parameters that are not in the header");
  if (!inside(parameter_value(parameters, "escaping"), parameters)) fail("a value from elsewhere");
  if (accept.find('"') == std::string_view::npos &&
      preferred(reversed(accept), offers).offer != answer.offer) {
    fail("the order of the members matters");
  }
  wants_gzip(accept);
  return 0;
}
