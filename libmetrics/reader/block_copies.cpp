#include "libmetrics/reader/block_copies.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>

namespace metrics::reader {
namespace {

constexpr std::uint64_t kBlockWords = kBlock / format::kWord;

// Adds what is ascending, too.
template <class All, class More, class By>
void merge_into(All& all, const More& more, By by) {
  const auto old = static_cast<std::ptrdiff_t>(all.size());
  all.insert(all.end(), more.begin(), more.end());
  std::ranges::inplace_merge(all, all.begin() + old, {}, by);
}

}  // namespace

BlockCopies::BlockCopies(Words& records, format::Offset index, Copy copy)
    : records_(records), index_(index), copy_(std::move(copy)) {}

std::uint64_t& BlockCopies::word(format::Offset offset) const noexcept {
  return records_[(offset - index_) / format::kWord];
}

bool BlockCopies::has(std::uint64_t block) const noexcept {
  return std::ranges::binary_search(blocks_, block);
}

const BlockCopies::Word* BlockCopies::changed(format::Offset offset) const noexcept {
  const auto found = std::ranges::lower_bound(words_, offset, {}, &Word::offset);
  return found != words_.end() && found->offset == offset ? &*found : nullptr;
}

std::uint64_t BlockCopies::first(format::Offset offset) const noexcept {
  const Word* const word_there = changed(offset);
  return word_there == nullptr ? word(offset) : word_there->first;
}

std::uint64_t BlockCopies::before(format::Offset offset) const noexcept {
  const Word* const word_there = changed(offset);
  return word_there == nullptr ? word(offset) : word_there->before;
}

bool BlockCopies::are_alike(format::Offset offset, std::uint64_t bytes) const noexcept {
  const format::Offset begin = offset / format::kWord * format::kWord;
  for (auto at = std::ranges::lower_bound(words_, begin, {}, &Word::offset);
       at != words_.end() && at->offset < offset + bytes; ++at) {
    if (at->first != word(at->offset)) return false;
  }
  return true;
}

std::span<std::uint64_t> BlockCopies::part(std::uint32_t block) const noexcept {
  const std::uint64_t begin = block * kBlockWords;
  const std::uint64_t end = std::min<std::uint64_t>(begin + kBlockWords, records_.size());
  return std::span(records_).subspan(begin, end - begin);
}

std::optional<std::vector<BlockCopies::Word>> BlockCopies::fetch(
    std::span<const std::uint32_t> numbers) {
  std::vector<std::uint64_t> copy(kBlockWords);
  // Calls visit(offset, word that is there, copied word) for each word of the blocks.
  const auto each_word = [&](auto visit) {
    return std::ranges::all_of(numbers, [&](std::uint32_t number) {
      const std::span<std::uint64_t> there = part(number);
      const format::Offset begin = index_ + number * kBlock;
      if (!copy_(begin, there.size_bytes(), copy.data())) return false;
      for (std::size_t i = 0; i < there.size(); ++i) {
        visit(begin + i * format::kWord, there[i], copy[i]);
      }
      return true;
    });
  };
  // Most changes are those of new series, each with some twenty words and a link.
  constexpr std::size_t kLikely = 32;  // words of a block
  std::vector<Word> firsts, fresh;
  firsts.reserve(numbers.size() * kLikely);
  if (!each_word([&](format::Offset offset, std::uint64_t there, std::uint64_t now) {
        if (now != there) firsts.push_back({offset, there, now});
      })) {
    return std::nullopt;
  }
  fresh.reserve(firsts.size());
  auto next = firsts.begin();
  if (!each_word([&](format::Offset offset, std::uint64_t& there, std::uint64_t now) {
        const bool was_other = next != firsts.end() && next->offset == offset;
        if (!was_other && now == there) return;
        fresh.push_back(was_other ? *next++ : Word{offset, there, there});
        there = now;
      })) {
    return std::nullopt;
  }
  merge_into(blocks_, numbers, std::identity());
  merge_into(words_, fresh, &Word::offset);
  return fresh;
}

}  // namespace metrics::reader
