// block_copies.h -- copies blocks of the directory again, twice, and tells which of their words
// have changed.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "libmetrics/format/geometry.h"
#include "libmetrics/format/records.h"
#include "libmetrics/reader/words.h"

namespace metrics::reader {

// The pieces in which the directory is compared and copied; each begins a multiple of that behind
// the index.
inline constexpr std::uint64_t kBlock = 4096;

class BlockCopies {
 public:
  // Copies bytes of the file. Returns false if they can't be read.
  using Copy = std::function<bool(format::Offset from, std::uint64_t bytes, void* to)>;

  // `records` are what is known of the bytes from `index` on; they have each second copy.
  BlockCopies(Words& records, format::Offset index, Copy copy);

  // A word that has changed: what stood there before, and what the first of the two new copies has,
  // one of which is not what the second one has.
  struct Word {
    format::Offset offset;
    std::uint64_t before, first;
  };
  // Copies the blocks with these numbers, ascending, all of them once before any of them again: see
  // contents(). Returns their words that have changed; an empty optional if they can't be read.
  std::optional<std::vector<Word>> fetch(std::span<const std::uint32_t> numbers);

  // Returns how many were copied, and the number of the block that a word is in.
  std::size_t count() const noexcept { return blocks_.size(); }
  std::uint64_t block_of(format::Offset offset) const noexcept {
    return (offset - index_) / kBlock;
  }
  bool has(std::uint64_t block) const noexcept;
  // Return the word of the first copy, what was not copied again being the same in both; and the
  // one that stood there before.
  std::uint64_t first(format::Offset offset) const noexcept;
  std::uint64_t before(format::Offset offset) const noexcept;
  // Returns true if both copies have the same in those bytes.
  bool are_alike(format::Offset offset, std::uint64_t bytes) const noexcept;
  // The word that is known of that offset now.
  std::uint64_t& word(format::Offset offset) const noexcept;

 private:
  std::span<std::uint64_t> part(std::uint32_t block) const noexcept;
  const Word* changed(format::Offset offset) const noexcept;

  Words& records_;
  const format::Offset index_;
  const Copy copy_;
  // Both ascending. Blocks are not kept as a whole, since each new series may be linked from
  // another one.
  std::vector<std::uint32_t> blocks_;
  std::vector<Word> words_;
};

}  // namespace metrics::reader
