// text.h -- the Prometheus text format, version 0.0.4; and 1.0.0, which is the same with names of
// any UTF-8, for clients that ask for those.
// https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
#pragma once

#include <string_view>

#include "aggregator/exposition/formats.h"
#include "aggregator/exposition/pieces.h"

namespace metrics::exposition {

inline constexpr std::string_view kTextContentType = "text/plain; version=0.0.4; charset=utf-8";
inline constexpr std::string_view kText1ContentType = "text/plain; version=1.0.0; charset=utf-8";

class TextEncoder : public Pieces {
 public:
  explicit TextEncoder(const Options& options = {});
};

}  // namespace metrics::exposition
