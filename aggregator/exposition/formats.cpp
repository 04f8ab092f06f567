#include "aggregator/exposition/formats.h"

#include <array>

#include "aggregator/exposition/text.h"

namespace metrics::exposition {
namespace {

template <class Encoder>
Encode make_encoder() {
  return [encoder = Encoder()](const reader::Families& families, std::string& out) mutable {
    encoder.replace(families, out);
  };
}

constexpr std::array kFormats = {
    Format{kTextContentType, &make_encoder<TextEncoder>},
};

}  // namespace

std::span<const Format> formats() noexcept { return kFormats; }

}  // namespace metrics::exposition
