// forgeries.h -- segments that are forged to exhaust their readers.
#pragma once

#include <cstdint>
#include <span>

#include "tests/torture/image.h"

namespace metrics::torture {

// The parts of a forged segment fit together. Reading all that it claims to have would take more
// time, or more memory, than there is.
struct Forgery {
  const char* what;
  std::uint64_t (*forge)(Image&);  // returns the size that the (sparse) file must have
};
std::span<const Forgery> forgeries();

}  // namespace metrics::torture
