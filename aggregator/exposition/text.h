// text.h -- the Prometheus text format, version 0.0.4.
//
// What is printed around the numbers changes rarely, so it is kept, as one text with gaps:
//
//   # HELP a_total Help.\n# TYPE a_total counter\na_total{x="1"} _\na_total{x="2"} _\n ...
//   |---------------------- piece 0 ----------------------------| |--- piece 1 --| |-- ...
//
// Each `_` is a number. Encoding copies piece, number, piece, number, ... and ends with a last
// piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libmetrics/reader/families.h"

namespace metrics::exposition {

// Not thread-safe: one encoder per thread. Encoders share nothing, and read `families` only.
class TextEncoder {
 public:
  static std::string_view content_type() { return "text/plain; version=0.0.4; charset=utf-8"; }

  // Appends the exposition of `families` to `out`: whole lines, nothing at all for no families.
  //
  // As long as families.shape stays what it was in the call before, this allocates only to make
  // `out` large enough, so a caller that reuses `out` allocates nothing. Any change of shape is
  // paid for once, by printing everything anew: give each source of families an encoder of its own.
  // Throws std::bad_alloc or std::length_error; what `out` held before stays.
  void encode(const reader::Families& families, std::string& out);
  // The same in the place of what `out` held. One that is about as long already, from the last
  // time, costs nothing to make room in: bytes that will be written are not cleared first.
  void replace(const reader::Families& families, std::string& out);

 private:
  // Consecutive series whose numbers are found and printed in the same way.
  struct Run {
    format::Type type;
    std::size_t buckets;  // with +Inf; 0 unless a histogram or summary
    std::size_t series;
  };

  void encode_from(std::size_t begin, const reader::Families& families, std::string& out);
  void learn(const reader::Families& families);
  void learn_family(const reader::Family& family);
  void learn_series(const reader::Family& family, const reader::Series& series);
  void learn_line(std::string_view name, std::string_view suffix, const std::string& labels);

  std::uint64_t shape_ = 0;                // of which the rest is kept
  std::string text_;                       // all pieces
  std::vector<std::uint32_t> piece_size_;  // of the pieces that a number follows
  std::vector<Run> runs_;
  std::vector<std::size_t> first_value_;  // of each series in all runs
  std::size_t last_piece_ = 0;            // where it begins in text_
};

}  // namespace metrics::exposition
