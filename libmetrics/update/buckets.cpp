#include "libmetrics/update/buckets.h"

#include <algorithm>
#include <array>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace metrics::update {
namespace {

constexpr std::uint32_t kStep = kBoundsAlignment / sizeof(double);
constexpr std::uint32_t kMostSteps = 8;  // above it, halving first beats comparing with every bound

// Comparing with every bound has no branch that could be mispredicted; one misprediction costs more
// than all the comparisons. For each number of steps there is a search without a loop. Each search
// also exists as one function with the rest of an observation, so that the update path makes one
// call. It counts in the bucket first and adds to the sum second: if the process is killed in
// between, the observation is counted and its share of the sum is missing.
#define METRICS_OBSERVE(target)                                                \
  target static void observe(std::uint64_t* first, const metrics_histogram* h, \
                             double value) noexcept {                          \
    metrics_hot_count(first + find(h->bounds, h->padded, value), 1);           \
    metrics_hot_sum(first + h->sum, value);                                    \
  }
#define METRICS_ANY_CPU
#define METRICS_AVX2 __attribute__((target("avx2,popcnt")))
#define METRICS_AVX512 __attribute__((target("avx512f,avx512dq,avx512vl,popcnt")))

template <std::uint32_t kSteps>
struct Plain {
  static std::uint32_t find(const double* bounds, std::uint32_t, double value) noexcept {
    std::uint32_t below = 0;
    for (std::uint32_t i = 0; i < kSteps * kStep; ++i) {
      below += static_cast<std::uint32_t>(bounds[i] < value);
    }
    return below;
  }
  METRICS_OBSERVE(METRICS_ANY_CPU)
};

#if defined(__x86_64__)

template <std::uint32_t kSteps>
struct Sse2 {
  static std::uint32_t find(const double* bounds, std::uint32_t, double value) noexcept {
    const __m128d v = _mm_set1_pd(value);
    // Each comparison yields 0 or -1 in both halves, so subtracting counts.
    __m128i a = _mm_setzero_si128();
    __m128i b = a, c = a, d = a;
#pragma GCC unroll 8
    for (std::uint32_t i = 0; i < kSteps * kStep; i += kStep) {
      a = _mm_sub_epi64(a, _mm_castpd_si128(_mm_cmplt_pd(_mm_load_pd(bounds + i), v)));
      b = _mm_sub_epi64(b, _mm_castpd_si128(_mm_cmplt_pd(_mm_load_pd(bounds + i + 2), v)));
      c = _mm_sub_epi64(c, _mm_castpd_si128(_mm_cmplt_pd(_mm_load_pd(bounds + i + 4), v)));
      d = _mm_sub_epi64(d, _mm_castpd_si128(_mm_cmplt_pd(_mm_load_pd(bounds + i + 6), v)));
    }
    const __m128i sum = _mm_add_epi64(_mm_add_epi64(a, b), _mm_add_epi64(c, d));
    return static_cast<std::uint32_t>(_mm_cvtsi128_si32(sum) +
                                      _mm_cvtsi128_si32(_mm_unpackhi_epi64(sum, sum)));
  }
  METRICS_OBSERVE(METRICS_ANY_CPU)
};

template <std::uint32_t kSteps>
struct Avx2 {
  METRICS_AVX2 static std::uint32_t find(const double* bounds, std::uint32_t,
                                         double value) noexcept {
    const __m256d v = _mm256_set1_pd(value);
    __m256i low = _mm256_setzero_si256();
    __m256i high = low;
#pragma GCC unroll 8
    for (std::uint32_t i = 0; i < kSteps * kStep; i += kStep) {
      const __m256d first = _mm256_cmp_pd(_mm256_load_pd(bounds + i), v, _CMP_LT_OQ);
      const __m256d second = _mm256_cmp_pd(_mm256_load_pd(bounds + i + 4), v, _CMP_LT_OQ);
      low = _mm256_sub_epi64(low, _mm256_castpd_si256(first));
      high = _mm256_sub_epi64(high, _mm256_castpd_si256(second));
    }
    const __m256i all = _mm256_add_epi64(low, high);
    const __m128i sum =
        _mm_add_epi64(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
    return static_cast<std::uint32_t>(_mm_cvtsi128_si32(sum) +
                                      _mm_cvtsi128_si32(_mm_unpackhi_epi64(sum, sum)));
  }
  METRICS_OBSERVE(METRICS_AVX2)
};

template <std::uint32_t kSteps>
struct Avx512 {
  METRICS_AVX512 static std::uint32_t find(const double* bounds, std::uint32_t,
                                           double value) noexcept {
    const __m512d v = _mm512_set1_pd(value);
    std::uint32_t below = 0;
#pragma GCC unroll 8
    for (std::uint32_t i = 0; i < kSteps * kStep; i += kStep) {
      const __mmask8 mask = _mm512_cmp_pd_mask(_mm512_load_pd(bounds + i), v, _CMP_LT_OQ);
      below += static_cast<std::uint32_t>(__builtin_popcount(_cvtmask8_u32(mask)));
    }
    return below;
  }
  METRICS_OBSERVE(METRICS_AVX512)
};

#endif

// Halves the range, without a branch that depends on the value, until counting is quicker.
template <template <std::uint32_t> class Count>
struct Halving {
  static std::uint32_t find(const double* bounds, std::uint32_t padded, double value) noexcept {
    std::uint32_t first = 0;
    std::uint32_t size = padded;
    while (size > kMostSteps * kStep) {
      const std::uint32_t half = size / 2 / kStep * kStep;
      first += bounds[first + half - 1] < value ? half : 0;
      size -= half;
    }
    // The answer lies in first..first+size. All bounds before that range are below the value, and
    // none after it is. So counting in any longer range around it is right too, and a range of full
    // steps leaves no rest to handle.
    const std::uint32_t begin = std::min(first, padded - kMostSteps * kStep);
    return begin + Count<kMostSteps>::find(bounds + begin, kMostSteps * kStep, value);
  }
  METRICS_OBSERVE(METRICS_ANY_CPU)
};
#undef METRICS_OBSERVE
#undef METRICS_ANY_CPU
#undef METRICS_AVX2
#undef METRICS_AVX512

template <template <std::uint32_t> class Count>
Search sized(const char* name, std::uint32_t bound_count) noexcept {
  static constexpr auto kBySteps =
      []<std::uint32_t... kSteps>(std::integer_sequence<std::uint32_t, kSteps...>) {
    return std::array<Search, sizeof...(kSteps)>{
        Search{nullptr, &Count<kSteps>::find, &Count<kSteps>::observe}...};
  }
  (std::make_integer_sequence<std::uint32_t, kMostSteps + 1>());
  const std::uint32_t steps = padded_count(bound_count) / kStep;
  if (steps > kMostSteps) return {name, &Halving<Count>::find, &Halving<Count>::observe};
  return {name, kBySteps[steps].find, kBySteps[steps].observe};
}

}  // namespace

std::uint32_t padded_count(std::uint32_t bound_count) noexcept {
  return (bound_count + kStep - 1) / kStep * kStep;
}

Searches searches(std::uint32_t bound_count) noexcept {
  Searches found{};
  const auto add = [&found](const Search& search) { found.all[found.count++] = search; };
#if defined(__x86_64__)
  __builtin_cpu_init();
  // The first CPUs with AVX-512 run slower for a while after each use of it. CPUs that also have
  // VBMI2 do not.
  if (__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vbmi2")) {
    add(sized<Avx512>("avx512", bound_count));
  }
  if (__builtin_cpu_supports("avx2")) add(sized<Avx2>("avx2", bound_count));
  add(sized<Sse2>("sse2", bound_count));
#endif
  add(sized<Plain>("plain", bound_count));
  return found;
}

}  // namespace metrics::update
