// hash.h -- the hash of identities. Part of the format: all processes must choose the same chain.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace metrics::core {

inline constexpr std::uint64_t kHashSeed = 0x9e3779b97f4a7c15;

// Folds the 128-bit product: every bit of both factors reaches every bit of the result.
inline std::uint64_t hash_mix(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a ^ 0xa0761d6478bd642f) * (b ^ 0xe7037ed1a0b428db);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// Chained over the parts of an identity; the length is mixed in, so ("a", "bc") and ("ab", "c") differ.
inline std::uint64_t hash_string(std::string_view s, std::uint64_t seed) noexcept {
  std::uint64_t h = seed ^ s.size();
  const char* p = s.data();
  std::size_t left = s.size();
  for (; left >= 8; p += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    h = hash_mix(h, word);
  }
  std::uint64_t tail = 0;
  for (std::size_t i = 0; i < left; ++i) {
    tail |= std::uint64_t{static_cast<unsigned char>(p[i])} << (8 * i);
  }
  return hash_mix(h, tail);
}

}  // namespace metrics::core
