// families_builder.h -- merged families as a test wants them, without a segment.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "libmetrics/reader/families.h"

namespace metrics::test {

class FamiliesBuilder {
 public:
  FamiliesBuilder& family(std::string name, format::Type type, std::string help,
                          std::vector<double> bounds = {}) {
    families_.families.push_back(
        {std::move(name), std::move(help), "", type, std::move(bounds), {}});
    return *this;
  }
  // Of the last family; its values follow, in the order that families.h says.
  FamiliesBuilder& series(std::vector<reader::Label> labels) {
    families_.families.back().series.push_back({std::move(labels), families_.values.size()});
    return *this;
  }
  FamiliesBuilder& integer(std::uint64_t value) {
    families_.values.push_back(value);
    return *this;
  }
  FamiliesBuilder& real(double value) { return integer(std::bit_cast<std::uint64_t>(value)); }

  // With a shape that no other call has returned.
  reader::Families build() {
    static std::uint64_t last_shape = 0;
    families_.shape = ++last_shape;
    return families_;
  }

 private:
  reader::Families families_;
};

}  // namespace metrics::test
