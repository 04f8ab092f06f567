// formats.h -- the list of exposition formats: one row each.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "libmetrics/reader/families.h"

namespace metrics::exposition {

// Writes the exposition of the families in the place of what the string held. Keeps what it can
// from one call to the next; for one thread at a time.
using Encode = std::function<void(const reader::Families& families, std::string& out)>;

struct Format {
  std::string_view name;          // as flags and documents call it
  std::string_view content_type;  // what a server answers with, and clients ask for
  Encode (*make_encoder)();
};

// All formats. The first one is for clients that ask for none of them.
std::span<const Format> formats() noexcept;

}  // namespace metrics::exposition
