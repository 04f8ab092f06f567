// floor.cpp -- the least work that each operation needs, written plainly, for comparison with the
// library. Nothing here uses the library.
#include <fcntl.h>
#include <immintrin.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <ctime>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tools/benchmark/catalogue.h"
#include "tools/benchmark/player.h"

namespace metrics::bench {
namespace {

constexpr std::size_t kMany = 64;  // handles that are updated in turns

std::uint64_t* shared_words(std::size_t count) {
  void* at = ::mmap(nullptr, count * 8, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (at == MAP_FAILED) throw std::runtime_error("mmap");
  return static_cast<std::uint64_t*>(at);
}

void increments(std::uint64_t* cells, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t& cell = cells[i % kMany];
    __atomic_store_n(&cell, __atomic_load_n(&cell, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
  }
}

void additions(double* cells, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    cells[i % kMany] += 0.5;
    keep(cells);
  }
}

void stores(double* cells, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    cells[i % kMany] = static_cast<double>(i);
    keep(cells);
  }
}

// Stores values and when they were set. All threads of a process may set one at once, so a stamp is
// only replaced by a later one.
void stamped_stores(std::uint64_t* cells, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t* cell = cells + i % kMany * 2;
    __atomic_store_n(cell, std::bit_cast<std::uint64_t>(static_cast<double>(i % 4)),
                     __ATOMIC_RELAXED);
    timespec t{};
    ::clock_gettime(CLOCK_REALTIME, &t);
    const std::uint64_t now = static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000u +
                              static_cast<std::uint64_t>(t.tv_nsec);
    std::uint64_t seen = __atomic_load_n(cell + 1, __ATOMIC_RELAXED);
    while (seen < now && !__atomic_compare_exchange_n(cell + 1, &seen, now, true, __ATOMIC_RELEASE,
                                                      __ATOMIC_RELAXED)) {
    }
  }
}

// ---- histograms: bounds, then buckets, then the sum; padded bounds are +Inf ----

template <std::size_t kPadded>
struct alignas(64) Histogram {
  std::array<double, kPadded> bounds;
  std::uint64_t* cells;
  std::size_t sum;
};

template <std::size_t kPadded>
std::unique_ptr<Histogram<kPadded>> histogram(const std::vector<double>& bounds) {
  auto h = std::make_unique<Histogram<kPadded>>();
  h->bounds.fill(std::numeric_limits<double>::infinity());
  std::copy(bounds.begin(), bounds.end(), h->bounds.begin());
  h->cells = shared_words(kPadded + 2);
  h->sum = bounds.size() + 1;
  return h;
}

using Sum [[gnu::may_alias]] = double;
inline void observe_at(std::uint64_t* cells, std::size_t bucket, std::size_t sum, double value) {
  __atomic_store_n(&cells[bucket], cells[bucket] + 1, __ATOMIC_RELAXED);
  reinterpret_cast<Sum*>(cells)[sum] += value;
}

#define FLOOR_AVX512 __attribute__((target("avx512f,avx512vl,popcnt"), always_inline)) inline
template <std::size_t kPadded>
FLOOR_AVX512 unsigned find512(const double* bounds, double value) {
  const __m512d v = _mm512_set1_pd(value);
  unsigned below = 0;
  for (std::size_t i = 0; i < kPadded; i += 8) {
    below += static_cast<unsigned>(
        __builtin_popcount(_mm512_cmp_pd_mask(_mm512_load_pd(bounds + i), v, _CMP_LT_OQ)));
  }
  return below;
}
template <std::size_t kPadded>
__attribute__((target("avx512f,avx512vl,popcnt"))) void observe512(Histogram<kPadded>& h,
                                                                   std::uint64_t count) {
  const auto& values = observations();
  for (std::uint64_t i = 0; i < count; ++i) {
    const double value = values[i % kObservations];
    observe_at(h.cells, find512<kPadded>(h.bounds.data(), value), h.sum, value);
  }
}

template <std::size_t kPadded>
__attribute__((target("avx2,popcnt"))) void observe256(Histogram<kPadded>& h, std::uint64_t count) {
  const auto& values = observations();
  for (std::uint64_t i = 0; i < count; ++i) {
    const double value = values[i % kObservations];
    const __m256d v = _mm256_set1_pd(value);
    __m256i below = _mm256_setzero_si256();
#pragma GCC unroll 16
    for (std::size_t k = 0; k < kPadded; k += 4) {
      below = _mm256_sub_epi64(
          below, _mm256_castpd_si256(_mm256_cmp_pd(_mm256_load_pd(&h.bounds[k]), v, _CMP_LT_OQ)));
    }
    const __m128i half =
        _mm_add_epi64(_mm256_castsi256_si128(below), _mm256_extracti128_si256(below, 1));
    const auto bucket = static_cast<std::size_t>(_mm_cvtsi128_si64(half)) +
                        static_cast<std::size_t>(_mm_extract_epi64(half, 1));
    observe_at(h.cells, bucket, h.sum, value);
  }
}

template <std::size_t kPadded>
inline void observe_one(Histogram<kPadded>& h, double value) {
  const __m128d v = _mm_set1_pd(value);
  __m128i below = _mm_setzero_si128();
#pragma GCC unroll 32
  for (std::size_t k = 0; k < kPadded; k += 2) {
    below = _mm_sub_epi64(below, _mm_castpd_si128(_mm_cmplt_pd(_mm_load_pd(&h.bounds[k]), v)));
  }
  const __m128i high = _mm_unpackhi_epi64(below, below);
  const auto bucket = static_cast<std::size_t>(_mm_cvtsi128_si64(below) + _mm_cvtsi128_si64(high));
  observe_at(h.cells, bucket, h.sum, value);
}
template <std::size_t kPadded>
void observe128(Histogram<kPadded>& h, std::uint64_t count) {
  const auto& values = observations();
  for (std::uint64_t i = 0; i < count; ++i) observe_one(h, values[i % kObservations]);
}

// Measures observations with the widest vectors that this CPU has.
template <std::size_t kPadded>
Measurement observe(const std::vector<double>& bounds) {
  std::shared_ptr<Histogram<kPadded>> h = histogram<kPadded>(bounds);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) {
    return timed([h](std::uint64_t count) { observe512(*h, count); });
  }
  if (__builtin_cpu_supports("avx2")) {
    return timed([h](std::uint64_t count) { observe256(*h, count); });
  }
  return timed([h](std::uint64_t count) { observe128(*h, count); });
}

// ---- a native histogram: 8 buckets for each power of two from 2^-20 to 2^12 ----
//
// The window is a constant: a value's bits lead to a stretch of a sixteenth of a power of two, in
// which there is one bound at most. What is outside of the window is not looked for.

constexpr int kLow = -20, kHigh = 12, kPerOctave = 8;
constexpr unsigned kShift = 52 - 4;
constexpr std::uint64_t kBase = std::bit_cast<std::uint64_t>(0x1p-20) >> kShift;
struct NativeHistogram {
  std::array<std::uint16_t, (kHigh - kLow) * 2 * kPerOctave> below{};
  std::array<double, (kHigh - kLow) * kPerOctave + 1> bounds{};
  std::uint64_t* cells = nullptr;
};

Measurement observe_native() {
  auto h = std::make_shared<NativeHistogram>();
  for (std::size_t i = 0; i < h->bounds.size(); ++i) {
    h->bounds[i] = std::exp2(kLow + static_cast<double>(i) / kPerOctave);
  }
  for (std::size_t i = 0; i < h->below.size(); ++i) {
    const double begin = std::bit_cast<double>((kBase + i) << kShift);
    h->below[i] = static_cast<std::uint16_t>(
        std::lower_bound(h->bounds.begin(), h->bounds.end(), begin) - h->bounds.begin());
  }
  h->cells = shared_words(h->bounds.size() + 2);
  return timed([h](std::uint64_t count) {
    const auto& values = observations();
    for (std::uint64_t i = 0; i < count; ++i) {
      const double value = values[i % kObservations];
      std::size_t bucket = h->below[(std::bit_cast<std::uint64_t>(value) >> kShift) - kBase];
      bucket += h->bounds[bucket] < value ? 1 : 0;
      observe_at(h->cells, bucket, h->bounds.size() + 1, value);
    }
  });
}

// Measures an observation in one of 200,000 histograms, at random. They share bounds, and each has
// 24 words.
Measurement observe_cold() {
  constexpr std::size_t kHistograms = 200'000;
  constexpr std::size_t kWords = 24;
  std::uint64_t* cells = shared_words(kHistograms * kWords);
  std::uint64_t state = 7;
  std::shared_ptr<Histogram<24>> h = histogram<24>(bounds18());
  return timed([=](std::uint64_t count) mutable {
    const auto& values = observations();
    for (std::uint64_t i = 0; i < count; ++i) {
      const double value = values[i % kObservations];
      std::size_t bucket = 0;  // the search costs little beside the cache miss
      for (std::size_t k = 0; k < 18; ++k) bucket += h->bounds[k] < value;
      observe_at(cells + next_random(state) % kHistograms * kWords, bucket, 19, value);
    }
  });
}

double seconds_now() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// Measures two clock reads and an observation.
Measurement timer() {
  std::shared_ptr<Histogram<24>> h = histogram<24>(bounds18());
  return timed([h](std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const double begin = seconds_now();
      observe_one(*h, seconds_now() - begin);
    }
  });
}

// Measures a hash and a probe over the two strings of a label set, 42 bytes, and an observation.
Measurement lookup() {
  struct Entry {
    std::uint64_t hash;
    std::string text;
  };
  constexpr std::size_t kEntries = 64;
  const auto hash_of = [](std::string_view text) {
    std::uint64_t hash = text.size();
    std::size_t i = 0;
    for (; i + 8 <= text.size(); i += 8) {
      std::uint64_t word;
      std::memcpy(&word, text.data() + i, 8);
      hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
      hash ^= hash >> 32;
    }
    for (; i < text.size(); ++i)
      hash = (hash ^ static_cast<unsigned char>(text[i])) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
  };
  auto table = std::make_shared<std::vector<Entry>>(kEntries * 2);
  auto keys = std::make_shared<std::vector<std::string>>();
  for (std::size_t i = 0; i < 3; ++i) {
    keys->push_back("ServiceActivity" + std::to_string(i) + "-and-what-it-is\xffworker-7d9");
    std::size_t at = hash_of(keys->back()) % table->size();
    while (!(*table)[at].text.empty()) at = (at + 1) % table->size();
    (*table)[at] = {hash_of(keys->back()), keys->back()};
  }
  std::shared_ptr<Histogram<24>> h = histogram<24>(bounds18());
  return timed([=](std::uint64_t count) {
    const auto& values = observations();
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string_view key = (*keys)[i % 3];
      const std::uint64_t hash = hash_of(key);
      std::size_t at = hash % (kEntries * 2);
      while ((*table)[at].hash != hash || (*table)[at].text != key) at = (at + 1) % (kEntries * 2);
      keep(at);
      observe_one(*h, values[i % kObservations]);
    }
  });
}

// ---- scrapes: slots of a segment summed, and the text printed ----

constexpr std::array<char, 200> kDigits = [] {
  std::array<char, 200> d{};
  for (std::size_t i = 0; i < 100; ++i) {
    d[2 * i] = static_cast<char>('0' + i / 10);
    d[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return d;
}();

inline char* print(char* to, std::uint64_t n) {
  char buffer[20];
  char* at = buffer + sizeof buffer;
  while (n >= 100) {
    at -= 2;
    std::memcpy(at, &kDigits[2 * (n % 100)], 2);
    n /= 100;
  }
  if (n >= 10) {
    at -= 2;
    std::memcpy(at, &kDigits[2 * n], 2);
  } else {
    *--at = static_cast<char>('0' + n);
  }
  const auto size = static_cast<std::size_t>(buffer + sizeof buffer - at);
  std::memcpy(to, at, size);
  return to + size;
}

class Segment {
 public:
  Segment(std::size_t slots, std::size_t times) : slots_(slots) {
    const Catalogue c = catalogue(times);
    const auto& bounds = bounds18();
    const std::size_t per_series = bounds.size() + 2;
    cells_ = c.series.size() * per_series;
    stride_ = (cells_ + 511) / 512 * 512;
    words_ = shared_words(stride_ * slots);
    sums_.resize(cells_);
    for (std::size_t slot = 0; slot < slots; ++slot) {
      for (std::size_t s = 0; s < c.series.size(); ++s) {
        std::uint64_t* at = words_ + slot * stride_ + s * per_series;
        double sum = 0;
        for (std::size_t b = 0; b <= bounds.size(); ++b) {
          at[b] = bucket_count(slot, s, b);
          for (std::uint64_t k = 0; k < at[b]; ++k) sum += bucket_value(b);
        }
        at[bounds.size() + 1] = std::bit_cast<std::uint64_t>(sum);
      }
    }
    std::size_t family = ~std::size_t{0};
    for (const CatalogueSeries& s : c.series) {
      const std::string& name = c.families[s.family];
      std::string before;
      if (s.family != family) {
        before = "# HELP " + name + ' ' + c.help + "\n# TYPE " + name + " histogram\n";
      }
      family = s.family;
      const std::string labels = "type=\"" + s.type + "\",hostname=\"" + c.hostname + '"';
      for (std::size_t b = 0; b <= bounds.size(); ++b) {
        char le[32] = "+Inf";
        if (b < bounds.size()) *std::to_chars(le, le + sizeof le, bounds[b]).ptr = '\0';
        lines_.push_back(before + name + "_bucket{" + labels + ",le=\"" + le + "\"} ");
        before.clear();
      }
      lines_.push_back(name + "_count{" + labels + "} ");
      lines_.push_back(name + "_sum{" + labels + "} ");
    }
    std::size_t bytes = 0;
    for (const std::string& line : lines_) bytes += line.size() + 32;
    text_.resize(bytes);
  }
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;
  ~Segment() { ::munmap(words_, stride_ * slots_ * 8); }

  void sum() {
    std::fill(sums_.begin(), sums_.end(), 0);
    const std::size_t series = cells_ / 20;
    for (std::size_t slot = 0; slot < slots_; ++slot) {
      add(sums_.data(), words_ + slot * stride_, series);
    }
  }
  std::size_t print_text() {
    char* to = text_.data();
    const std::string* line = lines_.data();
    for (std::size_t at = 0; at < cells_; at += 20) {
      std::uint64_t below = 0;
      for (std::size_t b = 0; b < 19; ++b) {
        below += sums_[at + b];
        to = put(to, *line++, below);
      }
      to = put(to, *line++, below);
      std::memcpy(to, line->data(), line->size());
      to = std::to_chars(to + line->size(), to + line->size() + 32,
                         std::bit_cast<double>(sums_[at + 19]))
               .ptr;
      ++line;
      *to++ = '\n';
    }
    return static_cast<std::size_t>(to - text_.data());
  }

 private:
  // Adds series of 19 counts and a double, with the compiler's vectors for the CPU at hand.
  __attribute__((target_clones("avx512f", "avx2", "default"))) static void add(
      std::uint64_t* __restrict to, const std::uint64_t* __restrict from, std::size_t series) {
    for (; series > 0; --series, to += 20, from += 20) {
      for (std::size_t k = 0; k < 19; ++k) to[k] += from[k];
      to[19] = std::bit_cast<std::uint64_t>(std::bit_cast<double>(to[19]) +
                                            std::bit_cast<double>(from[19]));
    }
  }
  static char* put(char* to, const std::string& line, std::uint64_t number) {
    std::memcpy(to, line.data(), line.size());
    to = print(to + line.size(), number);
    *to++ = '\n';
    return to;
  }

  std::size_t slots_, cells_ = 0, stride_ = 0;
  std::uint64_t* words_ = nullptr;
  std::vector<std::uint64_t> sums_;
  std::vector<std::string> lines_;
  std::vector<char> text_;
};

// Adds native histograms of the catalogue: 262 counts and a double each.
constexpr std::size_t kNativeCells = (kHigh - kLow) * kPerOctave + 3 + 1;
__attribute__((target_clones("avx512f", "avx2", "default"))) void add_native(
    std::uint64_t* __restrict to, const std::uint64_t* __restrict from, std::size_t series) {
  constexpr std::size_t kCounts = kNativeCells - 1;
  for (; series > 0; --series, to += kNativeCells, from += kNativeCells) {
    for (std::size_t k = 0; k < kCounts; ++k) to[k] += from[k];
    to[kCounts] = std::bit_cast<std::uint64_t>(std::bit_cast<double>(to[kCounts]) +
                                               std::bit_cast<double>(from[kCounts]));
  }
}

// Measures the sum of so many slots with 85 native histograms each.
Measurement sum_native(const std::string& argument) {
  const std::size_t slots = std::stoul(argument);
  constexpr std::size_t kCells = kNativeCells * kCatalogueSeries;
  constexpr std::size_t kStride = (kCells + 511) / 512 * 512;
  std::uint64_t* words = shared_words(kStride * slots);
  for (std::size_t i = 0; i < kStride * slots; ++i) words[i] = i % 97;
  auto sums = std::make_shared<std::vector<std::uint64_t>>(kCells);
  return timed([=](std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      std::fill(sums->begin(), sums->end(), 0);
      for (std::size_t slot = 0; slot < slots; ++slot) {
        add_native(sums->data(), words + slot * kStride, kCatalogueSeries);
      }
      keep((*sums)[0]);
    }
  });
}

// Measures a scrape. The argument is "SLOTS" or "SLOTSxTIMES", with so many catalogues.
Measurement scrape(const std::string& argument) {
  const std::size_t x = argument.find('x');
  auto segment = std::make_shared<Segment>(
      std::stoul(argument), x == std::string::npos ? 1 : std::stoul(argument.substr(x + 1)));
  return timed([segment](std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      segment->sum();
      keep(segment->print_text());
    }
  });
}

// Measures asking the kernel about each of so many owners, each of which has a lock through an open
// file description of its own.
Measurement lock_queries(const std::string& argument) {
  const int owners = std::stoi(argument);
  char name[] = "/dev/shm/metrics-bench-floor-XXXXXX";
  const int asking = ::mkstemp(name);
  const auto range = [](int i, short type) {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = static_cast<off_t>(i + 1) << 32;
    lock.l_len = type == F_WRLCK ? 2 : static_cast<off_t>(1) << 32;
    return lock;
  };
  for (int i = 0; i < owners; ++i) {
    const int own = ::open(name, O_RDWR | O_CLOEXEC);
    struct flock lock = range(i, F_WRLCK);
    if (own < 0 || ::fcntl(own, F_OFD_SETLK, &lock) != 0) throw std::runtime_error("no lock");
  }
  ::unlink(name);
  return timed([=](std::uint64_t count) {
    for (std::uint64_t n = 0; n < count; ++n) {
      for (int i = 0; i < owners; ++i) {
        struct flock lock = range(i, F_RDLCK);
        ::fcntl(asking, F_OFD_GETLK, &lock);
        keep(lock);
      }
    }
  });
}

}  // namespace
}  // namespace metrics::bench

int main(int argc, char** argv) {
  using namespace metrics::bench;
  auto* cells = shared_words(4 * kMany);
  const auto count_up = [cells](std::uint64_t count) { increments(cells, count); };
  auto* doubles = reinterpret_cast<double*>(cells + kMany);
  const Measurements measurements = {
      {"inc", timed(count_up)},
      {"add", timed([doubles](std::uint64_t count) { additions(doubles, count); })},
      {"set", timed([doubles](std::uint64_t count) { stores(doubles, count); })},
      {"set-stamped",
       timed([cells](std::uint64_t count) { stamped_stores(cells + 2 * kMany, count); })},
      {"observe18", observe<24>(bounds18())},
      {"observe4", observe<8>(odd_bounds(4))},
      {"observe64", observe<64>(odd_bounds(64))},
      {"observe18odd", observe<24>(odd_bounds(18))},
      {"observe-native", observe_native()},
      {"timer", timer()},
      {"clock", timed([](std::uint64_t count) {
         for (std::uint64_t i = 0; i < count; ++i) keep(clock_ns(CLOCK_REALTIME));
       })},
      {"lookup", lookup()},
  };
  const Parametric parametric = {
      {"scrape-*", scrape},
      {"sum-native-*", sum_native},
      {"locks-*", lock_queries},
      {"cold-observe18*", [](const std::string&) { return observe_cold(); }},
  };
  return play(argc, argv, measurements, parametric);
}
