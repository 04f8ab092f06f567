// pieces.h -- the encoder that text formats share: it keeps the text around the numbers.
//
// The text around the numbers changes rarely, so it is kept, each part of it once:
//
//   seconds_bucket{route="/a",le="0.5"} 17\n
//   |-- before ---||- labels |- after -| number
//
// A line's `before` and `after` are the same for all series of a family, and `labels` for all lines
// of a series. Encoding copies before, labels, after, number, before, labels, after, number, ...
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "aggregator/exposition/run.h"
#include "libmetrics/format/escaping.h"
#include "libmetrics/reader/families.h"
#include "libmetrics/reader/parts.h"
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
  reader::Threads threads = {};  // that print
};

// Not thread-safe: each thread needs its own. Several share no data, and only read `families`.
class Pieces {
 public:
  explicit Pieces(Spelling spelling) noexcept : spelling_(spelling) {}

  // Appends the exposition of `families` to `out`: whole lines, or only the spelling's end if there
  // are no families.
  //
  // As long as families.shape is the same as in the call before, this allocates only to make `out`
  // large enough, so a caller that reuses `out` allocates nothing, unless several threads print.
  // After each change of shape, the labels of those chunks of series are spelled anew that were not
  // there before. Throws std::bad_alloc or std::length_error; `out` then still has its former
  // content.
  void encode(const reader::Families& families, std::string& out);
  // Replaces the content of `out` by the exposition. Reusing the last scrape's string avoids both
  // allocation and clearing. If it throws, the content means nothing.
  void replace(const reader::Families& families, std::string& out);

 private:
  using Runs = std::unordered_map<std::string, Run, reader::Seeded>;
  class Room;

  void encode_from(std::size_t begin, const reader::Families& families, std::string& out);
  void encode_in_parts(std::size_t parts, std::size_t begin, const reader::Families& families,
                       std::string& out) const;
  std::size_t likely_size(const reader::Families& families) const;
  void learn(const reader::Families& families);
  void learn_divided(std::span<const reader::Family> parts, Runs& former);
  void learn_run(std::string head, const reader::Family& family, const Numbers& numbers,
                 std::string_view ending, Runs& former);
  Spelling spelling_;
  std::uint64_t shape_ = 0;  // of the families that the rest is for
  std::vector<Run> runs_;
  std::size_t number_count_ = 0;  // of an exposition of all runs
  std::size_t last_size_ = 0;     // of an exposition; 0: there was none yet
};

}  // namespace metrics::exposition
