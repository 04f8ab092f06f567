// text.h -- the Prometheus text format, version 0.0.4.
// https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
#pragma once

#include <string_view>

#include "aggregator/exposition/pieces.h"

namespace metrics::exposition {

inline constexpr std::string_view kTextContentType = "text/plain; version=0.0.4; charset=utf-8";

class TextEncoder : public Pieces {
 public:
  TextEncoder() noexcept;
};

}  // namespace metrics::exposition
