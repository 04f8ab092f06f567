// families_builder.h -- builds merged families for a test, without a segment.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "libmetrics/reader/families_builder.h"

namespace metrics::test {

struct OwnFamilies {
  reader::Families families;
};

// The library's builder, with families of its own.
class FamiliesBuilder : private OwnFamilies, public reader::FamiliesBuilder {
 public:
  FamiliesBuilder() : reader::FamiliesBuilder(families) {}

  // Adds an exemplar to the last series; those of a series in ascending order of values.
  FamiliesBuilder& exemplar(double value, std::uint64_t stamp_ns,
                            std::vector<reader::Label> labels) {
    reader::SeriesList& list = families.families.back().series;
    reader::SeriesChunk::Facts& series = list.change(list.size() - 1);
    if (series.exemplars == reader::Series::kNone) {
      series.exemplars = static_cast<std::uint32_t>(families.exemplars.size());
      families.exemplars.emplace_back();
    }
    families.exemplars[series.exemplars].push_back({std::move(labels), value, stamp_ns});
    return *this;
  }

  // Returns the families, with a shape that no other call has returned.
  reader::Families build() {
    families.shape = reader::new_shape();
    return families;
  }
};

}  // namespace metrics::test
