// formats.h -- the list of exposition formats, one row per format.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "aggregator/exposition/native.h"
#include "libmetrics/format/escaping.h"
#include "libmetrics/reader/families.h"
#include "libmetrics/reader/parts.h"

namespace metrics::exposition {

// What an operator or a client chooses beside the format.
struct Options {
  format::Escaping escaping = format::Escaping::kUnderscores;  // of names that are not legacy ones
  bool created_lines = false;    // OpenMetrics: a sample `_created` for each series that counts
  NativeRules native = {};       // protobuf
  reader::Threads threads = {};  // that print text; the bytes are the same
  friend bool operator==(const Options&, const Options&) = default;
};
// Returns a text that differs for options with which the bytes differ.
std::string spelled(const Options& options);

// Replaces the string's content by the exposition of the families. Keeps the parts that stay the
// same from one call to the next; for one thread at a time.
using Encode = std::function<void(const reader::Families& families, std::string& out)>;

struct Format {
  std::string_view name;          // on command lines
  std::string_view content_type;  // that a server answers with, and that clients ask for
  Encode (*make_encoder)(const Options& options);
  int preference = 0;              // the higher one is sent to clients that like two alike
  bool asked_for_in_full = false;  // only to clients that name all parameters of the content type
  bool has_exemplars = false;      // where the families have some
};

// Returns all formats. Clients that ask for no format in the list get the first one.
std::span<const Format> formats() noexcept;

// Returns the format of that name; nullptr if there is none.
const Format* format_named(std::string_view name) noexcept;

}  // namespace metrics::exposition
