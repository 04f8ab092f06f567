// hash.h -- the hash of identities. It is part of the format: all processes must choose the same
// chain. It is keyed: a stranger may choose label values (a URL's path is one in many programs),
// and must not be able to choose them so that all hang in one chain. The construction is that of
// wyhash (https://github.com/wangyi-fudan/wyhash): before two words are multiplied, each is
// combined with a value that depends on the key. Without the key nobody can choose an input that
// makes a factor 0.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace metrics::format {

// The key: a segment's Header::hash_seed, or random_key() for tables that no other process reads.
// It must not be shown anywhere.
using HashKey = std::array<std::uint64_t, 2>;

// Folds the 128-bit product: every bit of both factors reaches every bit of the result.
inline std::uint64_t hash_mix(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// Hashes one word of an identity; `before` is the hash of the parts before it, or key[1].
inline std::uint64_t hash_word(std::uint64_t word, std::uint64_t before,
                               const HashKey& key) noexcept {
  return hash_mix(word ^ key[0], before ^ 0x9e3779b97f4a7c15);
}

inline std::uint64_t read_word(const char* p) noexcept {
  std::uint64_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}
inline std::uint64_t read_half(const char* p) noexcept {
  std::uint32_t half;
  std::memcpy(&half, p, sizeof half);
  return half;
}

// Hashes one part of an identity; `before` is the hash of the parts before it, or key[1]. The
// length is mixed in, so ("a", "bc") and ("ab", "c") differ. Reads two words at a time; the last
// ones overlap bytes that were read before, so that only strings of less than four bytes are read
// byte by byte.
inline std::uint64_t hash_string(std::string_view s, std::uint64_t before,
                                 const HashKey& key) noexcept {
  const std::size_t size = s.size();
  const char* p = s.data();
  const char* end = p + size;
  std::uint64_t h = before ^ (size * 0x9fb21c651e98df25);
  for (; end - p > 16; p += 16) h = hash_mix(read_word(p) ^ key[0], read_word(p + 8) ^ h);
  std::uint64_t a = 0, b = 0;
  if (size >= 16) {
    a = read_word(end - 16);
    b = read_word(end - 8);
  } else if (size >= 8) {
    a = read_word(p);
    b = read_word(end - 8);
  } else if (size >= 4) {
    a = read_half(p);
    b = read_half(end - 4);
  } else if (size > 0) {
    a = static_cast<unsigned char>(p[0]);
    b = std::uint64_t{static_cast<unsigned char>(p[size / 2])} << 8 |
        static_cast<unsigned char>(end[-1]);
  }
  return hash_mix(a ^ key[0], b ^ h);
}

// Returns memcmp() == 0, inlined: keys are short, and their hashes already match. The last words
// overlap here, too.
inline bool same_bytes(const char* a, const char* b, std::size_t size) noexcept {
  std::uint64_t differing = 0;
  if (size >= 8) {
    const char* const last = a + size - 8;
    differing = read_word(last) ^ read_word(b + size - 8);
    for (; a < last; a += 8, b += 8) differing |= read_word(a) ^ read_word(b);
  } else if (size >= 4) {
    differing = (read_half(a) ^ read_half(b)) | (read_half(a + size - 4) ^ read_half(b + size - 4));
  } else {
    for (std::size_t i = 0; i < size; ++i) differing |= static_cast<unsigned char>(a[i] ^ b[i]);
  }
  return differing == 0;
}

}  // namespace metrics::format
