#include "aggregator/exposition/pieces.h"

#include <algorithm>
#include <utility>

#include "aggregator/exposition/lines.h"
#include "aggregator/exposition/names.h"
#include "libmetrics/reader/words.h"

namespace metrics::exposition {
namespace {

using Entry = reader::SeriesList::Entry;

// Returns a text that differs for runs whose series have other texts, though their labels are the
// same.
std::string key_of(const reader::Family& family, std::string_view ending) {
  std::string key(format::to_string(family.type));
  for (const std::string_view part : {std::string_view(family.name), ending}) {
    key += std::to_string(part.size()) + ' ';
    key += part;
  }
  for (const double bound : family.bounds) {
    key.append(reinterpret_cast<const char*>(&bound), sizeof bound);
  }
  return key;
}

bool is_same(const Entry& a, const Entry& b) noexcept {
  if (a.chunk->number() != b.chunk->number()) return false;
  return a.last == b.last || (a.last != nullptr && b.last != nullptr && *a.last == *b.last);
}

}  // namespace

// Where an exposition is written: a string that is longer than what is in it by now.
class Pieces::Room {
 public:
  Room(std::string& out, std::size_t begin) noexcept : out_(out), at_(begin) {}

  // Returns where as many bytes may be written; advance() then tells how many were.
  char* reserve(std::size_t bytes) {
    if (out_.size() - at_ < bytes) out_.resize(at_ + bytes);
    return out_.data() + at_;
  }
  void advance(const char* end) noexcept { at_ = static_cast<std::size_t>(end - out_.data()); }
  void append(std::string_view text) {
    advance(std::copy_n(text.data(), text.size(), reserve(text.size())));
  }
  void finish() { out_.resize(at_); }

 private:
  std::string& out_;
  std::size_t at_;
};

// Learns series and what precedes them.
void Pieces::learn_run(std::string head, const reader::Family& family, const Numbers& numbers,
                       std::string_view ending, Runs& former_runs) {
  Run run;
  run.key = key_of(family, ending);
  Run former;
  if (auto there = former_runs.extract(run.key)) {
    former = std::move(there.mapped());
    run.labelled = std::move(former.labelled);
    run.alone = std::move(former.alone);
  } else {
    run.labelled = labelled_lines(family, ending);
    run.alone = lines_alone(family, ending);
  }
  run.head = std::move(head);
  run.series = family.series;
  run.bounds = family.bounds;
  run.positions = family.positions;
  run.numbers = numbers;
  run.numbers.positions = run.positions;
  // Chunks stay in their order, and new ones have higher numbers than all that were there before.
  const auto known = former.series.entries();
  std::uint64_t newest = 0;
  for (const Entry& entry : known) newest = std::max(newest, entry.chunk->number());
  std::size_t next = 0;  // of the known ones
  const bool is_all = ending == kAllSamples;
  for (const Entry& entry : run.series.entries()) {
    std::size_t at = known.size();
    if (entry.chunk->number() <= newest) {
      for (at = next; at < known.size() && !is_same(known[at], entry);) ++at;
    }
    if (at < known.size()) {
      run.texts.push_back(std::move(former.texts[at]));
      next = at + 1;
    } else {
      ChunkText& text = run.texts.emplace_back();
      text = chunk_text(family, entry, is_all && spelling_.created);
      text.exemplars = text.exemplars && is_all && spelling_.exemplars;
    }
  }
  for (std::size_t chunk = 0; chunk < run.texts.size(); ++chunk) {
    number_count_ += run.numbers_of_chunk(chunk);
  }
  runs_.push_back(std::move(run));
}

// Learns a histogram, of these parts, as a family for each ending.
void Pieces::learn_divided(std::span<const reader::Family> parts, Runs& former) {
  for (const std::string_view ending : format::sample_endings(parts.front().type)) {
    std::string head;
    spelling_.unknown_head(head, parts.front(), ending);
    for (const reader::Family& part : parts) {
      learn_run(std::exchange(head, {}), part, numbers_of(part, ending), ending, former);
    }
  }
}

void Pieces::learn(const reader::Families& families) {
  Runs former;
  if (shape_ != 0) {
    for (Run& run : runs_) {
      std::string key = run.key;
      former.emplace(std::move(key), std::move(run));
    }
  }
  shape_ = 0;  // the text is not complete until the end of this function
  runs_.clear();
  number_count_ = 0;
  const auto other_names = escaped(families, spelling_.escaping);
  reader::each_family(
      other_names ? *other_names : families, [&](std::span<const reader::Family> parts) {
        if (spelling_.unknown_head != nullptr &&
            std::ranges::any_of(parts, &reader::reaches_below_zero)) {
          learn_divided(parts, former);
          return;
        }
        std::string head;
        spelling_.head(head, parts.front());
        for (const reader::Family& part : parts) {
          learn_run(std::exchange(head, {}), part, numbers_of(part), kAllSamples, former);
        }
      });
  shape_ = families.shape;
}

void Pieces::encode(const reader::Families& families, std::string& out) {
  const std::size_t begin = out.size();
  try {
    encode_from(begin, families, out);
  } catch (...) {
    out.resize(begin);
    throw;
  }
}

void Pieces::replace(const reader::Families& families, std::string& out) {
  encode_from(0, families, out);
}

// Returns how long an exposition may be: where a run's first chunk has as many bytes a number as
// the others have, or not many less.
std::size_t Pieces::likely_size(const reader::Families& families) const {
  std::size_t size = spelling_.end.size();
  for (const Run& run : runs_) {
    size += run.head.size();
    if (run.texts.empty()) continue;
    std::size_t numbers = 0;
    for (std::size_t chunk = 0; chunk < run.texts.size(); ++chunk) {
      numbers += run.numbers_of_chunk(chunk);
    }
    const std::size_t first = std::max<std::size_t>(run.numbers_of_chunk(0), 1);
    const std::size_t of_first = run.size(0, families);
    size += of_first * numbers / first;
  }
  return size + size / 32;
}

void Pieces::encode_from(std::size_t begin, const reader::Families& families, std::string& out) {
  if (families.shape != shape_) learn(families);
  if (const std::size_t parts = spelling_.threads.parts(number_count_); parts > 1) {
    return encode_in_parts(parts, begin, families, out);
  }
  Room room(out, begin);
  const std::size_t size = last_size_ != 0 ? last_size_ : likely_size(families);
  if (out.capacity() - begin < size) {
    out.reserve(begin + size + size / 4);  // room that is not used takes no memory
    reader::prefer_large_pages(out.data() + begin, size);
  }
  room.reserve(size);
  for (const Run& run : runs_) {
    room.append(run.head);
    for (std::size_t chunk = 0; chunk < run.texts.size(); ++chunk) {
      room.advance(run.write(chunk, families, room.reserve(run.most(chunk, families))));
    }
  }
  room.append(spelling_.end);
  room.finish();
  last_size_ = out.size() - begin;
}

}  // namespace metrics::exposition
