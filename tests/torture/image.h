// image.h -- the bytes of a segment's file, to be damaged and written back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "libmetrics/format/layout.h"

namespace metrics::torture {

using Image = std::vector<unsigned char>;

// Makes a small, healthy segment at that path, removes it, and returns its bytes: all types, all
// gauge modes, labels, a removed series, counts of dead processes and of lanes. Throws
// std::runtime_error if any of that fails.
Image healthy_image(const std::string& path);

// Replaces the file by the image, or makes it. Throws std::runtime_error if it can't.
void write_image(const std::string& file, const Image& image);

const format::Header& header(const Image& image);
format::Header& mutable_header(Image& image);
// Writes the low `width` bytes of the value at that offset; nothing, if they are not all inside.
void put(Image& image, std::size_t at, std::uint64_t value, std::size_t width);

}  // namespace metrics::torture
