// families_builder.h -- builds families one sample after the other, without a segment.
#pragma once

#include <bit>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libmetrics/format/types.h"
#include "libmetrics/reader/families.h"

namespace metrics::reader {

class FamiliesBuilder {
 public:
  using LabelView = std::pair<std::string_view, std::string_view>;
  // kAll builds families, series and values. kValues: the families were built before, and only the
  // values are built again, which allocates nothing.
  enum class Add { kAll, kValues };

  // Builds in these families. Clears their values and, with kAll, the families too.
  explicit FamiliesBuilder(Families& families, Add add = Add::kAll)
      : families_(families), add_(add) {
    families_.values.clear();
    if (add_ == Add::kAll) families_.families.clear();
  }

  FamiliesBuilder& family(format::Type type, std::string_view name, std::string_view help,
                          std::initializer_list<double> bounds = {}) {
    if (add_ == Add::kAll) {
      families_.families.push_back({std::string(name), std::string(help), {}, type, bounds, {}});
    }
    return *this;
  }

  // Adds a series to the last family; the caller then adds its values, in the order of families.h.
  FamiliesBuilder& series(std::initializer_list<LabelView> labels) {
    if (add_ == Add::kValues) return *this;
    auto names = std::make_shared<LabelNames>();
    std::vector<std::string_view> values;
    for (const auto& [name, value] : labels) {
      names->emplace_back(name);
      values.push_back(value);
    }
    families_.families.back().series.push_back(std::move(names), values,
                                               {{}, families_.values.size()});
    return *this;
  }
  FamiliesBuilder& whole(std::uint64_t value) {
    families_.values.push_back(value);
    return *this;
  }
  FamiliesBuilder& real(double value) { return whole(std::bit_cast<std::uint64_t>(value)); }

  // Add a series of that type with its value.
  FamiliesBuilder& gauge(std::initializer_list<LabelView> labels, double value) {
    return series(labels).real(value);
  }
  FamiliesBuilder& gauge(std::initializer_list<LabelView> labels, std::uint64_t value) {
    return gauge(labels, static_cast<double>(value));
  }
  FamiliesBuilder& counter(std::initializer_list<LabelView> labels, std::uint64_t n,
                           double fraction = 0) {
    return series(labels).whole(n).real(fraction);
  }
  FamiliesBuilder& info(std::initializer_list<LabelView> labels) { return series(labels); }

 private:
  Families& families_;
  const Add add_;
};

}  // namespace metrics::reader
