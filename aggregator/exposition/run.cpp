#include "aggregator/exposition/run.h"

#include <algorithm>

#include "aggregator/exposition/exemplars.h"
#include "aggregator/exposition/number.h"

namespace metrics::exposition {
namespace {

using Entry = reader::SeriesList::Entry;

// Writes lines.
class Writer {
 public:
  explicit Writer(char* to) noexcept : to_(to) {}
  [[gnu::always_inline]] void begin(const Line& line, const char* text, const char* labels,
                                    std::size_t size) {
    to_ = copy_padded(to_, text + line.before, line.before_size);
    to_ = copy_padded(to_, labels, size);
    to_ = copy_padded(to_, text + line.after, line.after_size);
  }
  void put(std::string_view text) { to_ = std::copy_n(text.data(), text.size(), to_); }
  template <class Number>
  [[gnu::always_inline]] void put_number(Number number) {
    to_ = print(to_, number);
  }
  void end() { *to_++ = '\n'; }
  char* at() const noexcept { return to_; }

 private:
  char* to_;
};

// Counts their bytes.
class Counter {
 public:
  void begin(const Line& line, const char*, const char*, std::size_t size) {
    bytes_ += line.size() + size;
  }
  void put(std::string_view text) { bytes_ += text.size(); }
  template <class Number>
  void put_number(Number number) {
    bytes_ += printed_size(number);
  }
  void end() { ++bytes_; }
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::size_t bytes_ = 0;
};

}  // namespace

ChunkText chunk_text(const reader::Family& family, const Entry& entry, bool created) {
  const LabelStarts starts = label_starts(entry);
  const auto facts = entry.chunk->facts();
  ChunkText made;
  made.ends.reserve(facts.size());
  std::string labels;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    const reader::Series series = entry.at(i);
    append_labels(labels, starts[facts[i].names], series.labels);
    made.ends.push_back(static_cast<std::uint32_t>(labels.size()));
    made.exemplars = made.exemplars || series.may_have_exemplars();
  }
  made.labels = PaddedText(labels);
  if (!created) return made;
  made.created_ends.reserve(facts.size());
  for (std::size_t i = 0; i < facts.size(); ++i) {
    if (const std::uint64_t ns = created_ns_of(family, entry.at(i)); ns != 0) {
      append_seconds(made.created, ns);
    }
    made.created_ends.push_back(static_cast<std::uint32_t>(made.created.size()));
  }
  return made;
}

std::size_t Run::fixed_size(std::size_t chunk) const noexcept {
  const ChunkText& text = texts[chunk];
  std::size_t lines = 0, of_series = 0;
  const auto add = [&](const Line& with_labels, const Line& without) {
    ++lines;
    of_series += 1 + std::max(with_labels.size(), without.size());
  };
  for (std::size_t i = 0; i < labelled.samples.size(); ++i) {
    add(labelled.samples[i], alone.samples[i]);
  }
  if (!text.created_ends.empty()) add(labelled.created, alone.created);
  return text.ends.size() * of_series + text.labels.size() * lines + text.created.size();
}

std::size_t Run::most(std::size_t chunk, const reader::Families& families) const {
  const ChunkText& text = texts[chunk];
  const Entry& entry = series.entries()[chunk];
  std::size_t most =
      fixed_size(chunk) + PaddedText::kPadding + numbers_of_chunk(chunk) * kMaxNumberSize;
  if (!text.exemplars) return most;
  for (std::size_t i = 0; i < text.ends.size(); ++i) {
    most += families.exemplars_of(entry.at(i)).size() * kMaxExemplarSize;
  }
  return most;
}

// Puts the lines of a chunk's series into `sink`, which it returns: its place stays in a register.
template <class Sink>
Sink Run::put_lines(std::size_t chunk, const reader::Families& families, Sink sink) const {
  const ChunkText& text = texts[chunk];
  const Entry& entry = series.entries()[chunk];
  const auto facts = entry.chunk->facts();
  const bool has_numbers = numbers.values != format::Values::kInfo;
  const std::uint64_t* const values = families.values.data() + entry.values;
  std::string exemplar;
  std::uint32_t begin = 0, created_begin = 0;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    const std::uint64_t* const value = values + facts[i].first_value;
    const char* const labels = text.labels.data() + begin;
    const std::size_t size = text.ends[i] - begin;
    begin = text.ends[i];
    const Lines& lines = size == 0 ? alone : labelled;
    const Line* line = lines.samples.data();
    const char* const around = lines.text.data();
    if (!has_numbers) {
      sink.begin(*line, around, labels, size);
      sink.put("1");
      sink.end();
    } else if (!text.exemplars || facts[i].exemplars == reader::Series::kNone) {
      each_number(
          numbers, value, [&](auto number) __attribute__((always_inline)) {
            sink.begin(*line++, around, labels, size);
            sink.put_number(number);
            sink.end();
          });
    } else {
      ExemplarWalk walk(families.exemplars_of(entry.at(i)));
      auto bound = bounds.begin();
      each_number(numbers, value, [&](auto number) {
        sink.begin(*line++, around, labels, size);
        sink.put_number(number);
        // None is left beside a histogram's count and sum.
        if (const auto* e = bound == bounds.end() ? walk.last() : walk.up_to(*bound++)) {
          exemplar.clear();
          append_exemplar(exemplar, *e);
          sink.put(exemplar);
        }
        sink.end();
      });
    }
    if (text.created_ends.empty() || text.created_ends[i] == created_begin) continue;
    sink.begin(lines.created, around, labels, size);
    sink.put(
        std::string_view(text.created).substr(created_begin, text.created_ends[i] - created_begin));
    created_begin = text.created_ends[i];
    sink.end();
  }
  return sink;
}

char* Run::write(std::size_t chunk, const reader::Families& families, char* to) const {
  return put_lines(chunk, families, Writer(to)).at();
}

std::size_t Run::size(std::size_t chunk, const reader::Families& families) const {
  return put_lines(chunk, families, Counter()).bytes();
}

}  // namespace metrics::exposition
