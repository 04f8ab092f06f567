// formats.h -- the list of exposition formats, one row per format.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "libmetrics/reader/families.h"

namespace metrics::exposition {

// Replaces the string's content by the exposition of the families. Keeps the parts that stay the
// same from one call to the next; for one thread at a time.
using Encode = std::function<void(const reader::Families& families, std::string& out)>;

struct Format {
  std::string_view content_type;  // that a server answers with, and that clients ask for
  Encode (*make_encoder)();
};

// Returns all formats. Clients that ask for no format in the list get the first one.
std::span<const Format> formats() noexcept;

}  // namespace metrics::exposition
