// damage.h -- segments that somebody has damaged, for the suite and the fuzz targets' first corpus.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace metrics::torture {

using Image = std::vector<unsigned char>;

// The bytes of a small, healthy segment at that path: all types, all gauge modes, labels, a removed series, counts of
// dead processes and of lanes.
Image healthy_image(const std::string& path);

void write_image(const std::string& file, const Image& image);

// Reads that file as the aggregator and the inspector do, and prints it. "" or what must never happen: an exception,
// or an exposition that is not valid. `readable`: whether it was taken for a segment.
std::string read_damaged(const std::string& file, bool* readable = nullptr);

}  // namespace metrics::torture
