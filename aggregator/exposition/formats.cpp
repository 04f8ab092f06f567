#include "aggregator/exposition/formats.h"

#include <algorithm>
#include <array>

#include "aggregator/exposition/openmetrics.h"
#include "aggregator/exposition/protobuf.h"
#include "aggregator/exposition/text.h"

namespace metrics::exposition {
namespace {

template <class Encoder>
Encode make_encoder(const Options& options) {
  return [encoder = Encoder(options)](const reader::Families& families, std::string& out) mutable {
    encoder.replace(families, out);
  };
}

// A member of an Accept header without a version means the first version in the list. Of formats
// that a client likes alike, it gets the one that tells more.
constexpr std::array kFormats = {
    Format{"text", kTextContentType, &make_encoder<TextEncoder>, 0},
    Format{"text-1.0.0", kText1ContentType, &make_encoder<TextEncoder>, 1},
    Format{"openmetrics", kOpenMetricsContentType, &make_encoder<OpenMetricsEncoder>, 3, false,
           true},
    Format{"openmetrics-0.0.1", kOpenMetrics001ContentType, &make_encoder<OpenMetricsEncoder>, 2,
           false, true},
    Format{"protobuf", kProtobufContentType, &make_encoder<ProtobufEncoder>, 4, true, true},
};

}  // namespace

std::string spelled(const Options& options) {
  std::string text(format::to_string(options.escaping));
  text += options.created_lines ? '+' : '-';
  if (options.native == NativeRules{}) return text;
  return text + (options.native.shown ? 'n' : '-') + std::to_string(options.native.max_buckets);
}

std::span<const Format> formats() noexcept { return kFormats; }

const Format* format_named(std::string_view name) noexcept {
  const auto found = std::ranges::find(kFormats, name, &Format::name);
  return found == kFormats.end() ? nullptr : &*found;
}

}  // namespace metrics::exposition
