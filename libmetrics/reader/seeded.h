// seeded.h -- the hash of a reader's own tables: what hangs in one place of them can't be chosen by
// whoever chooses label values, or forges a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "libmetrics/format/hash.h"

namespace metrics::reader {

// This process's key, random.
const format::HashKey& seed() noexcept;

struct Seeded {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return format::hash_string(text, seed()[1], seed());
  }
  std::size_t operator()(std::uint64_t number) const noexcept {
    return format::hash_word(number, seed()[1], seed());
  }
};

}  // namespace metrics::reader
