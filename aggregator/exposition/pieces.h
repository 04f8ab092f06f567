// pieces.h -- the encoder that text formats share: it keeps the text, with gaps for the numbers.
//
// The text around the numbers changes rarely, so it is kept:
//
//   # HELP a_total Help.\n# TYPE a_total counter\na_total{x="1"} _\na_total{x="2"} _\n ...
//   |---------------------- piece 0 ----------------------------| |--- piece 1 --| |-- ...
//
// Each `_` is a number. Encoding copies piece, number, piece, number, ... and a last piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "aggregator/exposition/samples.h"
#include "libmetrics/format/escaping.h"
#include "libmetrics/reader/families.h"
#include "libmetrics/reader/seeded.h"

namespace metrics::exposition {

// The parts in which text formats differ.
struct Spelling {
  // Appends the lines in front of a family's samples.
  void (*head)(std::string& to, const reader::Family& family);
  // The end of every exposition.
  std::string_view end = {};
  // Appends the lines in front of the samples of a histogram that have this ending. Not nullptr: a
  // histogram that has had a bound below zero is written as a family for each ending.
  void (*unknown_head)(std::string& to, const reader::Family& family,
                       std::string_view ending) = nullptr;
  // A sample `_created` follows those of a series, if it is known when it began to count.
  bool created = false;
  // The exemplars of a series follow its samples' numbers.
  bool exemplars = false;
  format::Escaping escaping = format::Escaping::kUnderscores;
};

// Not thread-safe: each thread needs its own. Several share no data, and only read `families`.
class Pieces {
 public:
  explicit Pieces(Spelling spelling) noexcept : spelling_(spelling) {}

  // Appends the exposition of `families` to `out`: whole lines, or only the spelling's end if there
  // are no families.
  //
  // As long as families.shape is the same as in the call before, this allocates only to make `out`
  // large enough, so a caller that reuses `out` allocates nothing. After each change of shape, the
  // text of those chunks of series is printed anew that were not there before. Throws
  // std::bad_alloc or std::length_error; `out` then still has its former content.
  void encode(const reader::Families& families, std::string& out);
  // Replaces the content of `out` by the exposition. Reusing the last scrape's string avoids both
  // allocation and clearing. If it throws, the content means nothing.
  void replace(const reader::Families& families, std::string& out);

 private:
  // The text of a chunk's series, with gaps for the numbers.
  struct Text {
    std::string text;
    std::vector<std::uint32_t> piece_size;  // of the pieces in front of a number
    std::size_t tail = 0;                   // the size of the piece behind the last number
    bool exemplars = false;                 // its samples may have some
  };
  // The series of one family, or those of their samples that have one ending.
  struct Run {
    std::string key;   // what the texts depend on, beside the series
    std::string head;  // the text in front of them
    reader::SeriesList series;
    std::vector<Text> texts;  // by chunk
    Numbers numbers;          // with the positions below
    std::vector<std::uint32_t> positions;
    std::vector<double> bounds;  // of a histogram
  };
  using Runs = std::unordered_map<std::string, Run, reader::Seeded>;
  class Room;

  void encode_from(std::size_t begin, const reader::Families& families, std::string& out);
  void encode_run(const Run& run, const reader::Families& families, Room& room);
  void learn(const reader::Families& families);
  void learn_divided(std::span<const reader::Family> parts, Runs& former);
  void learn_run(std::string head, const reader::Family& family, const Numbers& numbers,
                 std::string_view ending, Runs& former);
  Text text_of(const reader::Family& family, const reader::SeriesList::Entry& entry,
               std::string_view ending);

  Spelling spelling_;
  std::uint64_t shape_ = 0;  // of the families that the rest is for
  std::vector<Run> runs_;
  std::size_t text_size_ = 0, number_count_ = 0;  // of all runs
  std::size_t last_size_ = 0;                     // of an exposition; 0: there was none yet
  std::string text_, labels_, exemplar_;          // scratch, as is the next one
  std::vector<std::uint32_t> piece_size_;
};

}  // namespace metrics::exposition
