// damage.h -- damage to a segment: at random, or in every word of what describes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

#include "libmetrics/format/layout.h"
#include "tests/torture/image.h"

namespace metrics::torture {

inline constexpr std::uint64_t kEdges[] = {0,
                                           1,
                                           2,
                                           3,
                                           4,
                                           7,
                                           8,
                                           31,
                                           32,
                                           56,
                                           63,
                                           64,
                                           255,
                                           256,
                                           1023,
                                           4095,
                                           4096,
                                           4097,
                                           8192,
                                           1 << 14,
                                           1 << 16,
                                           1 << 20,
                                           (1 << 20) - 1,
                                           0x7fffffff,
                                           0x80000000,
                                           0xffffffff,
                                           1ull << 32,
                                           1ull << 40,
                                           (1ull << 46) - 4096,
                                           1ull << 46,
                                           1ull << 62,
                                           1ull << 63,
                                           ~0ull - 7,
                                           ~0ull};

// Damages an image at random, and returns what it has done. The sound header says where the image's
// parts are.
std::string damage(Image& image, const format::Header& sound, std::mt19937_64& random);

// Every length, and every word and half word of the header and of the directory's records, with
// every edge value.
class Damages {
 public:
  explicit Damages(const Image& sound);  // which must outlive it
  std::size_t size() const;
  // Returns the n-th damaged image; `what` becomes what was done.
  Image at(std::size_t n, std::string& what) const;

 private:
  const Image& sound_;
  const std::size_t lengths_, header_words_, record_words_;
};

}  // namespace metrics::torture
