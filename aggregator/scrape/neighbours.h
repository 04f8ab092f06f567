// neighbours.h -- who else is here: what an operator needs to see who may have chosen no segment.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "libmetrics/reader/reader.h"

namespace metrics::scrape {

// The default segment of another user.
struct Neighbour {
  std::string file;
  std::string user;  // the name of its owner, else the number
  friend bool operator==(const Neighbour&, const Neighbour&) = default;
};

inline constexpr std::size_t kMostNeighbours = 20;

// Returns some, at most kMostNeighbours, of those that stand beside `file`, which is a user's
// default segment itself, sorted.
// Looks at a bounded number of the directory's entries.
std::vector<Neighbour> neighbours(const std::string& file);

// Returns the names of the commands that live and count in the segment, each once, with ", "
// between them. Looks at a bounded number of slots. The reader's last look() must have succeeded.
std::string living_commands(reader::Reader& reader);

}  // namespace metrics::scrape
