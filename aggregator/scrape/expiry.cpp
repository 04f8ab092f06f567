#include "aggregator/scrape/expiry.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>

#include "libmetrics/format/types.h"

namespace metrics::scrape {
namespace {

// An empty value is the same as no label.
bool has_labels(const reader::Series& series) noexcept {
  bool found = false;
  series.labels.each(
      [&](std::string_view, std::string_view value) { found = found || !value.empty(); });
  return found;
}

}  // namespace

Expiry::Digest Expiry::digest_of(const reader::Families& families,
                                 const Watched& watched) noexcept {
  const std::uint64_t* const values = families.values.data() + watched.first_value;
  return {std::accumulate(values, values + watched.counts, std::uint64_t{0}),
          values[watched.counts]};
}

// Finds the series that may be left out, and takes over what is known of those that were there.
void Expiry::learn(const reader::Families& families, Clock::time_point now) {
  // Sorted, not hashed: a segment may be forged, and choose what would collide.
  const auto identity = [](const Watched& w) { return std::pair(w.record, w.created_ns); };
  std::vector<Watched> before;
  before.swap(watched_);
  std::sort(before.begin(), before.end(),
            [&](const Watched& a, const Watched& b) { return identity(a) < identity(b); });
  std::size_t number = 0;
  for (const reader::Family& family : families.families) {
    if (format::is_of_processes(family.type)) {
      number += family.series.size();
      continue;
    }
    for (const reader::Series& series : family.series) {
      const std::size_t own_number = number++;
      if (!has_labels(series)) continue;
      Watched& w = watched_.emplace_back(Watched{series.record, series.created_ns, own_number,
                                                 series.first_value, value_count(family) - 1,
                                                 Digest{}, now});
      const auto known = std::lower_bound(
          before.begin(), before.end(), w,
          [&](const Watched& a, const Watched& b) { return identity(a) < identity(b); });
      if (known != before.end() && identity(*known) == identity(w)) {
        w.digest = known->digest;
        w.changed = known->changed;
      } else {
        w.digest = digest_of(families, w);
      }
    }
  }
  left_out_.series.assign(number, false);
  count_ = 0;
  shape_ = families.shape;
}

void Expiry::look(const reader::Families& families, Clock::time_point now) {
  if (after_ == Clock::duration::zero()) return;
  bool differs = families.shape != shape_;
  if (differs) learn(families, now);
  for (Watched& w : watched_) {
    if (const Digest digest = digest_of(families, w); digest != w.digest) {
      w.digest = digest;
      w.changed = now;
    }
    const bool expired = now - w.changed > after_;
    if (expired == left_out_.series[w.number]) continue;
    left_out_.series[w.number] = expired;
    expired ? ++count_ : --count_;
    differs = true;
  }
  if (differs) left_out_.shape = reader::new_shape();
}

}  // namespace metrics::scrape
