// bucket_list.h -- the native buckets of a histogram's series as a list, for people and JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libmetrics/reader/families.h"

namespace metrics::exposition {

// A native bucket: its ends as the text formats spell numbers, and whether they are part of it.
struct ListedBucket {
  std::string lower, upper;
  bool has_lower, has_upper;
  std::uint64_t count;
};

// Returns the native buckets of a series that have counted anything, ascending, in the resolution
// in which they are counted; empty for a family without native buckets, and for forged counts.
std::vector<ListedBucket> native_buckets(const reader::Families& families,
                                         const reader::Family& family,
                                         const reader::Series& series);

// Returns the bucket as an interval: `(0.25,0.5]`.
std::string interval(const ListedBucket& bucket);

}  // namespace metrics::exposition
