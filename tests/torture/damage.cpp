#include "tests/torture/damage.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <iterator>

namespace metrics::torture {

using format::Header;

std::string damage(Image& image, const Header& sound, std::mt19937_64& random) {
  const auto below = [&](std::uint64_t n) { return random() % n; };
  const std::uint64_t edge = kEdges[below(std::size(kEdges))];
  const std::size_t directory_end = sound.slots;
  switch (below(7)) {
    case 0: {
      const std::size_t length =
          below(2) == 0 ? below(image.size()) : std::min<std::size_t>(edge, image.size());
      image.resize(length);
      return "truncated to " + std::to_string(length);
    }
    case 1: {
      const std::size_t at = below(120 / 4) * 4;
      put(image, at, edge, 4 + 4 * below(2));
      return "header at " + std::to_string(at) + " = " + std::to_string(edge);
    }
    case 2: {
      const std::size_t at = below(sizeof(Header) / 8) * 8;
      put(image, at, edge, 8);
      return "header word at " + std::to_string(at) + " = " + std::to_string(edge);
    }
    case 3: {  // in the index and the records, relative to what is there too
      const std::size_t first = sound.index;
      const std::size_t at = first + below((directory_end - first) / 4) * 4;
      std::uint64_t now = 0;
      std::memcpy(&now, image.data() + at, 4);
      put(image, at, below(2) == 0 ? edge : now + below(17) - 8, 4 + 4 * below(2));
      return "directory at " + std::to_string(at);
    }
    case 4: {
      const std::size_t at = below(image.size() / 8) * 8;
      put(image, at, edge, 8);
      return "word at " + std::to_string(at) + " = " + std::to_string(edge);
    }
    case 5: {
      const std::size_t flips = 1 + below(64);
      for (std::size_t i = 0; i < flips; ++i) {
        const std::size_t at = below(below(2) == 0 ? image.size() : directory_end);
        image[at] ^= static_cast<unsigned char>(1u << below(8));
      }
      return std::to_string(flips) + " bits flipped";
    }
    default: {  // a piece of it copied elsewhere
      const std::size_t size = 8 * (1 + below(64));
      const std::size_t from = below((image.size() - size) / 8) * 8;
      const std::size_t to = below((directory_end - size) / 8) * 8;
      std::memmove(image.data() + to, image.data() + from, size);
      return std::to_string(size) + " bytes copied from " + std::to_string(from) + " to " +
             std::to_string(to);
    }
  }
}

Damages::Damages(const Image& sound)
    : sound_(sound),
      lengths_(sound.size()),
      header_words_(sizeof(Header) / 4),
      record_words_(header(sound).directory_used.load(std::memory_order_relaxed) / 4) {}

std::size_t Damages::size() const {
  return lengths_ + (header_words_ + record_words_) * std::size(kEdges) * 2;
}

Image Damages::at(std::size_t n, std::string& what) const {
  Image image = sound_;
  if (n < lengths_) {
    image.resize(n);
    what = "truncated to " + std::to_string(n);
    return image;
  }
  n -= lengths_;
  const std::size_t width = 4 + n % 2 * 4;
  const std::uint64_t edge = kEdges[n / 2 % std::size(kEdges)];
  const std::size_t word = n / 2 / std::size(kEdges);
  const std::size_t at =
      word < header_words_ ? word * 4 : header(sound_).directory + (word - header_words_) * 4;
  put(image, at, edge, width);
  what = std::to_string(width) + " bytes at " + std::to_string(at) + " = " + std::to_string(edge);
  return image;
}

}  // namespace metrics::torture
