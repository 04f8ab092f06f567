// damage.h -- ways to damage a segment, for the suite and the fuzz targets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "libmetrics/format/layout.h"

namespace metrics::torture {

using Image = std::vector<unsigned char>;

// The bytes of a small, healthy segment at that path: all types, all gauge modes, labels, a removed
// series, counts of dead processes and of lanes.
Image healthy_image(const std::string& path);

void write_image(const std::string& file, const Image& image);
const format::Header& header(const Image& image);
format::Header& mutable_header(Image& image);

// Reads that file as the aggregator and the inspector do, and prints it. "" or what must never
// happen: an exception, or an exposition that is not valid. `readable`: whether it was taken for a
// segment.
std::string read_damaged(const std::string& file, bool* readable = nullptr);

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

// Damages an image at random; where its parts are, the sound header says. Returns what it has done.
std::string damage(Image& image, const format::Header& sound, std::mt19937_64& random);

// Every length, and every word and half word of the header and of the directory's records, with
// every edge value.
class Damages {
 public:
  explicit Damages(const Image& sound);
  std::size_t size() const;
  Image at(std::size_t n, std::string& what) const;

 private:
  const Image& sound_;
  const std::size_t lengths_, header_words_, record_words_;
};

// Forged so that its parts fit together, and reading it all would take forever or more memory than
// there is.
struct Forgery {
  const char* what;
  std::uint64_t (*forge)(Image&);  // returns the size that the (sparse) file is to have
};
std::span<const Forgery> forgeries();

}  // namespace metrics::torture
