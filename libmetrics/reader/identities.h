// identities.h -- finds series that have the same labels: no two of a segment may.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "libmetrics/format/records.h"

namespace metrics::reader {

// Knows series by their indices; `all` is what these lead into, in each call.
class Identities {
 public:
  void reserve(std::size_t count) { by_hash_.reserve(count); }
  // Adds the series of that index. Returns false, and adds nothing, if another one has its family
  // and labels.
  bool insert(std::span<const format::SeriesView> all, std::uint32_t index);
  // The series' labels may have changed since it was added.
  void erase(std::uint32_t index);

 private:
  // The hash is keyed: neither labels nor a forged file can be chosen to collide in it.
  std::unordered_multimap<std::uint64_t, std::uint32_t> by_hash_;
  std::vector<std::uint64_t> hashes_;  // by index
};

}  // namespace metrics::reader
