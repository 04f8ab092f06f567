#include "libmetrics/buckets.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <new>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace metrics::core {
namespace {

constexpr std::uint32_t kStep = 8;  // doubles in a cache line, and in the widest vector
constexpr std::uint32_t kCountLimit =
    64;  // above, halving first is quicker than comparing with all

// Comparing with every bound has no branch to mispredict, which costs more than all the comparisons.
inline std::uint32_t count_plain(const double* bounds, std::uint32_t padded, double value) {
  std::uint32_t below = 0;
  for (std::uint32_t i = 0; i < padded; ++i) below += static_cast<std::uint32_t>(bounds[i] < value);
  return below;
}

#if defined(__x86_64__)

inline std::uint32_t count_sse2(const double* bounds, std::uint32_t padded, double value) {
  const __m128d v = _mm_set1_pd(value);
  // Each comparison yields 0 or -1 in both halves, so subtracting counts.
  __m128i a = _mm_setzero_si128();
  __m128i b = a, c = a, d = a;
  for (std::uint32_t i = 0; i < padded; i += kStep) {
    a = _mm_sub_epi64(a, _mm_castpd_si128(_mm_cmplt_pd(_mm_load_pd(bounds + i), v)));
    b = _mm_sub_epi64(b, _mm_castpd_si128(_mm_cmplt_pd(_mm_load_pd(bounds + i + 2), v)));
    c = _mm_sub_epi64(c, _mm_castpd_si128(_mm_cmplt_pd(_mm_load_pd(bounds + i + 4), v)));
    d = _mm_sub_epi64(d, _mm_castpd_si128(_mm_cmplt_pd(_mm_load_pd(bounds + i + 6), v)));
  }
  const __m128i sum = _mm_add_epi64(_mm_add_epi64(a, b), _mm_add_epi64(c, d));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(sum) +
                                    _mm_cvtsi128_si32(_mm_unpackhi_epi64(sum, sum)));
}

__attribute__((target("avx2,popcnt"))) std::uint32_t count_avx2(const double* bounds,
                                                                std::uint32_t padded,
                                                                double value) {
  const __m256d v = _mm256_set1_pd(value);
  __m256i low = _mm256_setzero_si256();
  __m256i high = low;
  for (std::uint32_t i = 0; i < padded; i += kStep) {
    const __m256d first = _mm256_cmp_pd(_mm256_load_pd(bounds + i), v, _CMP_LT_OQ);
    const __m256d second = _mm256_cmp_pd(_mm256_load_pd(bounds + i + 4), v, _CMP_LT_OQ);
    low = _mm256_sub_epi64(low, _mm256_castpd_si256(first));
    high = _mm256_sub_epi64(high, _mm256_castpd_si256(second));
  }
  const __m256i all = _mm256_add_epi64(low, high);
  const __m128i sum = _mm_add_epi64(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(sum) +
                                    _mm_cvtsi128_si32(_mm_unpackhi_epi64(sum, sum)));
}

__attribute__((target("avx512f,popcnt"))) std::uint32_t count_avx512(const double* bounds,
                                                                     std::uint32_t padded,
                                                                     double value) {
  const __m512d v = _mm512_set1_pd(value);
  std::uint32_t below = 0;
  for (std::uint32_t i = 0; i < padded; i += kStep) {
    const __mmask8 mask = _mm512_cmp_pd_mask(_mm512_load_pd(bounds + i), v, _CMP_LT_OQ);
    below += static_cast<std::uint32_t>(__builtin_popcount(mask));
  }
  return below;
}

#endif

// Halves, without a branch that depends on the value, down to what is quicker to count.
template <Bounds::Find count>
std::uint32_t halve(const double* bounds, std::uint32_t padded, double value) {
  std::uint32_t first = 0;
  std::uint32_t size = padded;
  while (size > kCountLimit) {
    const std::uint32_t half = size / 2 / kStep * kStep;
    first += bounds[first + half - 1] < value ? half : 0;
    size -= half;
  }
  return first + count(bounds + first, size, value);
}

template <Bounds::Find count>
NamedFind sized(const char* name, std::uint32_t bound_count) {
  if (bound_count <= kCountLimit) return {name, count};
  return {name, &halve<count>};
}

}  // namespace

std::vector<NamedFind> searches(std::uint32_t bound_count) {
  std::vector<NamedFind> found;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f"))
    found.push_back(sized<&count_avx512>("avx512", bound_count));
  if (__builtin_cpu_supports("avx2")) found.push_back(sized<&count_avx2>("avx2", bound_count));
  found.push_back(sized<&count_sse2>("sse2", bound_count));
#endif
  found.push_back(sized<&count_plain>("plain", bound_count));
  return found;
}

void Bounds::Free::operator()(double* p) const noexcept { std::free(p); }

Bounds::Bounds(std::span<const double> bounds)
    : count_(static_cast<std::uint32_t>(bounds.size())),
      padded_((count_ + kStep - 1) / kStep * kStep),
      find_(searches(count_).front().find) {
  constexpr std::size_t kAlignment = kStep * sizeof(double);
  const std::size_t bytes = std::max<std::size_t>(padded_, kStep) * sizeof(double);
  data_.reset(static_cast<double*>(std::aligned_alloc(kAlignment, bytes)));
  if (data_ == nullptr) throw std::bad_alloc();
  std::fill_n(data_.get(), bytes / sizeof(double), std::numeric_limits<double>::infinity());
  std::copy(bounds.begin(), bounds.end(), data_.get());
}

std::span<const double> default_bounds() noexcept {
  static constexpr std::array<double, 11> kBounds = {.005, .01, .025, .05, .1, .25,
                                                     .5,   1,   2.5,  5,   10};
  return kBounds;
}

}  // namespace metrics::core
