#include "aggregator/exposition/gzip.h"

#include <gtest/gtest.h>
#include <libdeflate.h>

#include <random>
#include <stdexcept>
#include <string>

namespace metrics::exposition {
namespace {

// Which also checks the checksum and the length that a gzip file ends with.
std::string decompressed(std::string_view gzip, std::size_t size) {
  libdeflate_decompressor* const decompressor = libdeflate_alloc_decompressor();
  std::string out(size, '\0');
  const libdeflate_result result = libdeflate_gzip_decompress(
      decompressor, gzip.data(), gzip.size(), out.data(), out.size(), nullptr);
  libdeflate_free_decompressor(decompressor);
  EXPECT_EQ(result, LIBDEFLATE_SUCCESS);
  return out;
}

std::string noise(std::size_t size) {
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same in every run
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

TEST(Gzip, GivesBackWhatItCompressed) {
  for (const int level : {0, Gzip::kFastest, 6, 12}) {
    Gzip gzip(level);
    for (const std::string& data : {std::string(), std::string("x"), std::string(300'000, 'a'),
                                    noise(1), noise(100'000), std::string("after a larger one")}) {
      const std::string_view compressed = gzip.compress(data);
      EXPECT_EQ(compressed.substr(0, 3), "\x1f\x8b\x08") << "the mark of gzip with deflate";
      EXPECT_TRUE(decompressed(compressed, data.size()) == data) << level << ' ' << data.size();
    }
  }
}

TEST(Gzip, MakesAnExpositionMuchSmaller) {
  std::string text;
  for (int i = 0; i < 1000; ++i) {
    text += "engine_time_bucket{type=\"ServiceActivity\",le=\"" + std::to_string(i) + "\"} 12345\n";
  }
  EXPECT_LT(Gzip().compress(text).size(), text.size() / 8);
}

TEST(Gzip, RefusesLevelsThatDoNotExist) {
  for (const int level : {-1, 13}) {
    try {
      const Gzip gzip(level);
      FAIL() << level;
    } catch (const std::invalid_argument& e) {
      EXPECT_EQ(e.what(), "gzip level " + std::to_string(level) + ": must be 0 to 12");
    }
  }
}

}  // namespace
}  // namespace metrics::exposition
