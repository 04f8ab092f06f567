// families_builder.h -- builds merged families for a test, without a segment.
#pragma once

#include <cstdint>

#include "libmetrics/reader/families_builder.h"

namespace metrics::test {

struct OwnFamilies {
  reader::Families families;
};

// The library's builder, with families of its own.
class FamiliesBuilder : private OwnFamilies, public reader::FamiliesBuilder {
 public:
  FamiliesBuilder() : reader::FamiliesBuilder(families) {}

  // Returns the families, with a shape that no other call has returned.
  reader::Families build() {
    families.shape = reader::new_shape();
    return families;
  }
};

}  // namespace metrics::test
