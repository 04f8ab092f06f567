#include "aggregator/exposition/bucket_list.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "aggregator/exposition/native.h"
#include "aggregator/exposition/number.h"
#include "libmetrics/format/native.h"

namespace metrics::exposition {
namespace {

std::string number(double v) {
  char buffer[kMaxNumberSize];
  return {buffer, print(buffer, v)};
}

// Returns 2^(index / 2^schema).
double bound_of(int schema, int index) {
  const int octave = index >> schema;
  const auto rest = static_cast<std::uint32_t>(index - (octave << schema));
  return std::ldexp(format::root_of_two(schema, rest), octave);
}

// Calls visit(index, count) for the buckets on one side of zero that have counted anything.
template <class Visit>
void each_bucket(const NativeSide& side, Visit visit) {
  int index = 0;
  std::int64_t count = 0;
  auto delta = side.deltas.begin();
  for (const NativeSpan& span : side.spans) {
    index += span.offset;
    for (std::uint32_t i = 0; i < span.length; ++i, ++index) {
      count += *delta++;
      if (count != 0) visit(index, static_cast<std::uint64_t>(count));
    }
  }
}

}  // namespace

std::vector<ListedBucket> native_buckets(const reader::Families& families,
                                         const reader::Family& family,
                                         const reader::Series& series) {
  std::vector<ListedBucket> list;
  if (!family.native) return list;
  NativeEncoder encoder(family);
  constexpr std::uint32_t kAll = std::numeric_limits<std::uint32_t>::max();
  const NativeBuckets* buckets = encoder.encode(families.counts(family, series), kAll);
  if (buckets == nullptr) return list;
  const int schema = buckets->schema;
  // An overflow bucket begins where the window ends.
  const auto ends_of = [&](int index) {
    if (index >= format::overflow_index(schema)) {
      return std::pair(std::ldexp(1, family.native->high), HUGE_VAL);
    }
    return std::pair(bound_of(schema, index - 1), bound_of(schema, index));
  };
  each_bucket(buckets->negative, [&](int index, std::uint64_t count) {
    const auto [near, far] = ends_of(index);
    list.push_back({number(-far), number(-near), true, false, count});
  });
  std::reverse(list.begin(), list.end());
  if (buckets->zero_count != 0) {
    const double threshold = buckets->zero_threshold;
    list.push_back({number(-threshold), number(threshold), true, true, buckets->zero_count});
  }
  each_bucket(buckets->positive, [&](int index, std::uint64_t count) {
    const auto [near, far] = ends_of(index);
    list.push_back({number(near), number(far), false, true, count});
  });
  return list;
}

std::string interval(const ListedBucket& bucket) {
  return (bucket.has_lower ? '[' : '(') + bucket.lower + ',' + bucket.upper +
         (bucket.has_upper ? ']' : ')');
}

}  // namespace metrics::exposition
