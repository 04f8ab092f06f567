// The hash of identities: a client that chooses label values can't choose which of them hang in one
// chain.
#include "libmetrics/format/hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "libmetrics/format/random.h"
#include "libmetrics/format/records.h"

namespace metrics::format {
namespace {

// A hash of this kind whose constants everybody knows, as the first version of the format had it: a
// block whose word equals what it is combined with makes a factor 0, and with it all that the
// string had before that block.
namespace unkeyed {

constexpr std::uint64_t kOne = 0xa0761d6478bd642f, kTwo = 0xe7037ed1a0b428db;
std::uint64_t mix(std::uint64_t a, std::uint64_t b) { return hash_mix(a ^ kOne, b ^ kTwo); }
std::uint64_t begin(std::size_t size) { return 0x9e3779b97f4a7c15 ^ (size * 0x9fb21c651e98df25); }
// For strings of 48 bytes.
std::uint64_t hash(const std::string& s) {
  std::uint64_t h = begin(s.size());
  for (const std::size_t at : {std::size_t{0}, std::size_t{16}}) {
    h = mix(h ^ read_word(s.data() + at), read_word(s.data() + at + 8));
  }
  return mix(h ^ read_word(s.data() + 32), read_word(s.data() + 40));
}

}  // namespace unkeyed

std::string bytes_of(std::uint64_t word) {
  return {reinterpret_cast<const char*>(&word), sizeof word};
}

// Returns as many printable strings that all have one hash under `unkeyed`.
std::vector<std::string> colliding(std::size_t count) {
  std::mt19937_64 random(1);
  const auto printable = [&](std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('!' + random() % 94);
    return text;
  };
  for (;;) {
    // The first block is tried until the word that makes the next factor 0 can be printed.
    const std::string first = printable(16);
    const std::uint64_t h =
        unkeyed::mix(unkeyed::begin(48) ^ read_word(first.data()), read_word(first.data() + 8));
    const std::string zero = bytes_of(h ^ unkeyed::kOne);
    if (!std::ranges::all_of(zero, [](char c) { return c >= '!' && c <= '~'; })) continue;
    const std::string last = printable(16);
    std::set<std::string> strings;
    while (strings.size() < count) strings.insert(first + zero + printable(8) + last);
    return {strings.begin(), strings.end()};
  }
}

TEST(Hash, OfStringsThatCollideWithoutAKeyDiffersWithOne) {
  constexpr std::size_t kCount = 12'000;
  constexpr std::size_t kChains = 8192;  // of a segment of the default size
  const std::vector<std::string> strings = colliding(kCount);
  std::set<std::uint64_t> before;
  for (const std::string& s : strings) before.insert(unkeyed::hash(s));
  ASSERT_EQ(before.size(), 1u);

  const HashKey key = random_key();
  std::map<std::uint64_t, std::size_t> chains;
  std::set<std::uint64_t> hashes;
  for (const std::string& s : strings) {
    const std::uint64_t hash = series_hash(strings_hash(std::vector{s}, key), 4096, key);
    hashes.insert(hash);
    ++chains[hash % kChains];
  }
  EXPECT_EQ(hashes.size(), kCount);
  // Thrown at random, the fullest of 8192 chains gets 15 of 12,000 less often than once in a
  // million.
  const auto longest = std::ranges::max_element(
      chains, [](const auto& a, const auto& b) { return a.second < b.second; });
  EXPECT_LT(longest->second, 15u);
}

TEST(Hash, OfAnyLengthDependsOnEachByteOnTheKeyAndOnWhatCameBefore) {
  const HashKey key = random_key();
  for (std::size_t size = 0; size < 70; ++size) {
    const std::string s(size, 'a');
    const std::uint64_t hash = hash_string(s, key[1], key);
    for (std::size_t i = 0; i < size; ++i) {
      std::string other = s;
      other[i] = 'b';
      EXPECT_NE(hash_string(other, key[1], key), hash) << size << ' ' << i;
    }
    EXPECT_NE(hash_string(s + 'a', key[1], key), hash) << size;
    EXPECT_NE(hash_string(s, key[1] ^ 1, key), hash) << size;
    EXPECT_NE(hash_string(s, key[1], {key[0] ^ 1, key[1]}), hash) << size;
  }
}

TEST(Hash, KeysDiffer) { EXPECT_NE(random_key(), random_key()); }

}  // namespace
}  // namespace metrics::format
