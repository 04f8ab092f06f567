// pieces.h -- what text formats share: an exposition as text with gaps for the numbers.
//
// What is printed around the numbers changes rarely, so it is kept:
//
//   # HELP a_total Help.\n# TYPE a_total counter\na_total{x="1"} _\na_total{x="2"} _\n ...
//   |---------------------- piece 0 ----------------------------| |--- piece 1 --| |-- ...
//
// Each `_` is a number. Encoding copies piece, number, piece, number, ... and a last piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/exposition/samples.h"
#include "libmetrics/reader/families.h"

namespace metrics::exposition {

// What one text format has that others don't.
struct Spelling {
  // Appends the lines in front of a family's samples.
  void (*head)(std::string& to, const reader::Family& family);
  // What stands at the end of an exposition.
  std::string_view end;
};

// Not thread-safe: one per thread. They share nothing, and read `families` only.
class Pieces {
 public:
  explicit Pieces(Spelling spelling) noexcept : spelling_(spelling) {}

  // Appends the exposition of `families` to `out`: whole lines, nothing but the spelling's end for
  // no families.
  //
  // As long as families.shape stays what it was in the call before, this allocates only to make
  // `out` large enough, so a caller that reuses `out` allocates nothing. Any change of shape is
  // paid for once, by printing everything anew: give each source of families pieces of its own.
  // Throws std::bad_alloc or std::length_error; what `out` held before stays.
  void encode(const reader::Families& families, std::string& out);
  // The same in the place of what `out` held. Reusing the last scrape's string avoids both
  // allocation and clearing.
  void replace(const reader::Families& families, std::string& out);

 private:
  // Consecutive series whose numbers are found in the same way.
  struct Run {
    Numbers numbers;
    std::size_t series;
  };

  void encode_from(std::size_t begin, const reader::Families& families, std::string& out);
  void learn(const reader::Families& families);
  void learn_series(const reader::Family& family, const reader::Series& series);

  Spelling spelling_;
  std::uint64_t shape_ = 0;                // of which the rest is kept
  std::string text_;                       // all pieces
  std::vector<std::uint32_t> piece_size_;  // of the pieces that a number follows
  std::vector<Run> runs_;
  std::vector<std::size_t> first_value_;  // of each series in all runs
  std::size_t last_piece_ = 0;            // where it begins in text_
};

}  // namespace metrics::exposition
