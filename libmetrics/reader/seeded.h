// seeded.h -- the hash of a reader's own tables, keyed, so that neither label values nor a forged
// file can be chosen to collide in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "libmetrics/format/hash.h"

namespace metrics::reader {

// Returns this process's random key.
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
