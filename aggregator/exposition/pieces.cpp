#include "aggregator/exposition/pieces.h"

#include <algorithm>
#include <utility>

#include "aggregator/exposition/exemplars.h"
#include "aggregator/exposition/names.h"

namespace metrics::exposition {
namespace {

// Not an ending: all samples of a series.
constexpr std::string_view kAll = "*";

// How long a number is, where none is known: most are shorter.
constexpr std::size_t kLikelyNumberSize = 8;

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

// Not memcpy(), which takes no null pointer, even for nothing.
char* copy(char* to, const char* from, std::size_t size) noexcept {
  return std::copy_n(from, size, to);
}

bool is_same(const Entry& a, const Entry& b) noexcept {
  if (a.chunk->number() != b.chunk->number()) return false;
  return a.last == b.last || (a.last != nullptr && b.last != nullptr && *a.last == *b.last);
}

// What is the same in the names of a family's samples.
struct Named {
  std::string alone;     // without any label
  std::string labelled;  // in front of labels, and of the next one
  std::string bound;     // the label `le`; may be empty
};
std::vector<Named> named_samples(const reader::Family& family, std::string_view wanted) {
  std::vector<Named> all;
  each_sample(family, [&](std::string_view ending, std::string_view bound) {
    if (wanted != kAll && ending != wanted) return;
    Named& named = all.emplace_back();
    const std::string name = family.name + std::string(ending);
    constexpr std::string_view kLabels = "x";
    append_series_name(named.alone, name, {});
    append_series_name(named.labelled, name, kLabels);
    named.labelled.resize(named.labelled.size() - kLabels.size() - 1);  // with the brace
    if (!bound.empty()) named.bound.append("le=\"").append(bound).append(1, '"');
  });
  return all;
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
    advance(copy(reserve(text.size()), text.data(), text.size()));
  }
  void finish() { out_.resize(at_); }

 private:
  std::string& out_;
  std::size_t at_;
};

// Makes the text of the samples of a chunk's series that have this ending; of all, if it is kAll.
Pieces::Text Pieces::text_of(const reader::Family& family, const Entry& entry,
                             std::string_view wanted) {
  const bool has_numbers = format::values_of(family.type) != format::Values::kInfo;
  const std::vector<Named> samples = named_samples(family, wanted);
  Text made;
  text_.clear();
  piece_size_.clear();
  std::size_t last_piece = 0;
  for (std::size_t i = 0; i < entry.chunk->size(); ++i) {
    const reader::Series series = entry.at(i);
    made.exemplars = made.exemplars || series.may_have_exemplars();
    labels_.clear();
    append_labels(labels_, series.labels);
    for (const Named& sample : samples) {
      if (labels_.empty() && sample.bound.empty()) {
        text_ += sample.alone;
      } else {
        text_ += sample.labelled;
        text_ += labels_;
        if (!labels_.empty() && !sample.bound.empty()) text_ += ',';
        text_ += sample.bound;
        text_ += '}';
      }
      text_ += ' ';
      if (has_numbers) {
        piece_size_.push_back(static_cast<std::uint32_t>(text_.size() - last_piece));
        last_piece = text_.size();
      } else {
        text_ += '1';
      }
      text_ += '\n';
    }
    if (!spelling_.created || wanted != kAll) continue;
    if (const std::uint64_t created_ns = created_ns_of(family, series); created_ns != 0) {
      append_series_name(text_, family.name + std::string(format::kCreatedEnding), labels_);
      text_ += ' ';
      append_seconds(text_, created_ns);
      text_ += '\n';
    }
  }
  made.tail = text_.size() - last_piece;
  made.text.assign(text_);
  made.piece_size.assign(piece_size_.begin(), piece_size_.end());
  made.exemplars = made.exemplars && spelling_.exemplars && wanted == kAll;
  return made;
}

// Learns series and what precedes them.
void Pieces::learn_run(std::string head, const reader::Family& family, const Numbers& numbers,
                       std::string_view ending, Runs& former_runs) {
  Run run;
  run.key = key_of(family, ending);
  Run former;
  if (auto there = former_runs.extract(run.key)) former = std::move(there.mapped());
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
  for (const Entry& entry : run.series.entries()) {
    std::size_t at = known.size();
    if (entry.chunk->number() <= newest) {
      for (at = next; at < known.size() && !is_same(known[at], entry);) ++at;
    }
    if (at < known.size()) {
      run.texts.push_back(std::move(former.texts[at]));
      next = at + 1;
    } else {
      run.texts.push_back(text_of(family, entry, ending));
    }
    text_size_ += run.texts.back().text.size();
    number_count_ += run.texts.back().piece_size.size();
  }
  text_size_ += run.head.size();
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
  text_size_ = spelling_.end.size();
  number_count_ = 0;
  const auto other_names = escaped(families, spelling_.escaping);
  reader::each_family(other_names ? *other_names : families,
                      [&](std::span<const reader::Family> parts) {
                        if (spelling_.unknown_head != nullptr &&
                            std::ranges::any_of(parts, &reader::reaches_below_zero)) {
                          learn_divided(parts, former);
                          return;
                        }
                        std::string head;
                        spelling_.head(head, parts.front());
                        for (const reader::Family& part : parts) {
                          learn_run(std::exchange(head, {}), part, numbers_of(part), kAll, former);
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

void Pieces::encode_run(const Run& run, const reader::Families& families, Room& room) {
  room.append(run.head);
  const auto entries = run.series.entries();
  for (std::size_t t = 0; t < entries.size(); ++t) {
    const Entry& entry = entries[t];
    const Text& text = run.texts[t];
    const auto facts = entry.chunk->facts();
    const auto exemplars_of = [&](const reader::SeriesChunk::Facts& series) {
      return std::span(families.exemplars[series.exemplars + entry.exemplars]);
    };
    std::size_t most = text.text.size() + text.piece_size.size() * kMaxNumberSize;
    if (text.exemplars) {
      for (const auto& series : facts) {
        if (series.exemplars == reader::Series::kNone) continue;
        most += exemplars_of(series).size() * kMaxExemplarSize;
      }
    }
    char* to = room.reserve(most);
    const char* piece = text.text.data();
    const std::uint32_t* size = text.piece_size.data();
    const auto put = [&](auto number) {
      to = print(copy(to, piece, *size), number);
      piece += *size++;
    };
    const std::uint64_t* const values = families.values.data() + entry.values;
    for (const auto& series : facts) {
      const std::uint64_t* value = values + series.first_value;
      if (!text.exemplars || series.exemplars == reader::Series::kNone) {
        each_number(run.numbers, value, put);
        continue;
      }
      ExemplarWalk walk(exemplars_of(series));
      auto bound = run.bounds.begin();
      each_number(run.numbers, value, [&](auto number) {
        put(number);
        // None is left beside a histogram's count and sum.
        const auto* e = bound == run.bounds.end() ? walk.last() : walk.up_to(*bound++);
        if (e == nullptr) return;
        exemplar_.clear();
        append_exemplar(exemplar_, *e);
        to = copy(to, exemplar_.data(), exemplar_.size());
      });
    }
    room.advance(copy(to, piece, text.tail));
  }
}

void Pieces::encode_from(std::size_t begin, const reader::Families& families, std::string& out) {
  if (families.shape != shape_) learn(families);
  Room room(out, begin);
  room.reserve(last_size_ != 0 ? last_size_ : text_size_ + number_count_ * kLikelyNumberSize);
  for (const Run& run : runs_) encode_run(run, families, room);
  room.append(spelling_.end);
  room.finish();
  last_size_ = out.size() - begin;
}

}  // namespace metrics::exposition
