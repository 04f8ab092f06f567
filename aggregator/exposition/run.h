// run.h -- the series of a family in a text format: what is kept of their lines, and how these are
// written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/exposition/lines.h"
#include "aggregator/exposition/padded_text.h"
#include "aggregator/exposition/samples.h"
#include "libmetrics/reader/families.h"

namespace metrics::exposition {

// What is kept of the series of a chunk.
struct ChunkText {
  PaddedText labels;                        // one series' after the other's
  std::vector<std::uint32_t> ends;          // of each series' labels
  std::string created;                      // the values of `_created` likewise
  std::vector<std::uint32_t> created_ends;  // empty: there are none
  bool exemplars = false;                   // its samples may have some
};

// Spells the labels of a chunk's series. With `created`, also since when they count.
ChunkText chunk_text(const reader::Family& family, const reader::SeriesList::Entry& entry,
                     bool created);

// The series of one family, or those of their samples that have one ending.
struct Run {
  std::string key;        // what differs for runs whose series have other texts
  std::string head;       // the text in front of them
  Lines labelled, alone;  // of series with labels, and of those without
  reader::SeriesList series;
  std::vector<ChunkText> texts;  // by chunk
  Numbers numbers;               // with the positions below
  std::vector<std::uint32_t> positions;
  std::vector<double> bounds;  // of a histogram

  // How many numbers a chunk's series have.
  std::size_t numbers_of_chunk(std::size_t chunk) const noexcept {
    return texts[chunk].ends.size() * labelled.samples.size();
  }
  // Return how many bytes the lines of a chunk's series have: at most, without numbers and
  // exemplars; at most, as far as write() may go; and exactly.
  std::size_t fixed_size(std::size_t chunk) const noexcept;
  std::size_t most(std::size_t chunk, const reader::Families& families) const;
  std::size_t size(std::size_t chunk, const reader::Families& families) const;
  // Writes the lines, and returns their end.
  char* write(std::size_t chunk, const reader::Families& families, char* to) const;

 private:
  template <class Sink>
  Sink put_lines(std::size_t chunk, const reader::Families& families, Sink sink) const;
};

}  // namespace metrics::exposition
