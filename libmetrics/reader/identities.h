// identities.h -- finds series that have the same labels: no two of a segment may.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "libmetrics/format/records.h"

namespace metrics::reader {

// Knows series by their indices; `all` is what these lead into, in each call.
class Identities {
 public:
  void reserve(std::size_t count);
  // Brings into the processor's cache where that series will be looked for.
  void expect(const format::SeriesView& series) const noexcept;
  // Adds the series of that index. Returns false, and adds nothing, if another one has its family
  // and labels.
  bool insert(std::span<const format::SeriesView> all, std::uint32_t index);
  // The series' labels may have changed since it was added.
  void erase(std::uint32_t index);

 private:
  static constexpr std::uint32_t kFree = ~std::uint32_t{0};
  void grow(std::size_t slots);
  std::size_t after(std::size_t slot) const noexcept { return (slot + 1) & (slots_.size() - 1); }
  std::size_t home_of(std::uint32_t hash) const noexcept { return hash & (slots_.size() - 1); }

  // An open table of indices, whose size is a power of two, at most three quarters full. The hash
  // is keyed: neither labels nor a forged file can be chosen to collide in it.
  std::vector<std::uint32_t> slots_;
  std::size_t used_ = 0;
  std::vector<std::uint32_t> hashes_;  // by index
};

}  // namespace metrics::reader
