#include "libmetrics/reader/series_list.h"

#include <stdexcept>
#include <utility>

#include "libmetrics/reader/families.h"

namespace metrics::reader {

void SeriesChunk::add(const std::shared_ptr<const LabelNames>& names, const Facts& facts) {
  auto there = std::ranges::find(names_, names);
  if (there == names_.end()) {
    there = std::ranges::find_if(names_, [&](const auto& known) { return *known == *names; });
  }
  if (there == names_.end()) there = names_.insert(names_.end(), names);
  facts_.push_back(facts);
  facts_.back().names = static_cast<std::uint32_t>(there - names_.begin());
  number_ = new_number();
  if (facts_.size() == kMost) values_.shrink_to_fit();
}

void SeriesChunk::add(const SeriesChunk& from, std::size_t index) {
  Facts facts = from.facts_[index];
  const std::size_t end =
      index + 1 < from.size() ? from.facts_[index + 1].values : from.values_.size();
  const std::size_t begin = std::exchange(facts.values, static_cast<std::uint32_t>(values_.size()));
  values_.append(from.values_, begin, end - begin);
  add(from.names_[facts.names], facts);
}

std::shared_ptr<const SeriesChunk> SeriesChunk::renamed(
    std::vector<std::shared_ptr<const LabelNames>> names) const {
  auto chunk = std::make_shared<SeriesChunk>(*this);
  chunk->names_ = std::move(names);
  chunk->number_ = new_number();
  return chunk;
}

SeriesChunk::Facts& SeriesChunk::change(std::size_t index) {
  number_ = new_number();
  return facts_[index];
}

// Returns the last chunk if it is this list's alone and has room.
SeriesChunk* SeriesList::open_chunk() noexcept {
  if (entries_.empty()) return nullptr;
  const Entry& last = entries_.back();
  const bool is_own = last.chunk.use_count() == 1 && last.last == nullptr && last.values == 0 &&
                      last.exemplars == 0;
  if (!is_own || last.chunk->size() >= SeriesChunk::kMost) return nullptr;
  return std::const_pointer_cast<SeriesChunk>(last.chunk).get();  // made by add()
}

Series SeriesList::at(std::size_t index) const {
  if (index >= size_) throw std::out_of_range("a family has fewer series");
  const auto after = std::ranges::upper_bound(entries_, index, {}, &Entry::begin);
  return std::prev(after)->at(index - std::prev(after)->begin);
}

void SeriesList::push_back(std::span<const Label> labels, const Series& series) {
  auto names = std::make_shared<LabelNames>();
  std::vector<std::string_view> values;
  for (const Label& label : labels) {
    names->push_back(label.name);
    values.push_back(label.value);
  }
  push_back(std::move(names), values, series);
}

void SeriesList::push_back(const Series& series) {
  push_back(static_cast<std::vector<Label>>(series.labels), series);
}

void SeriesList::append(Entry entry) {
  entry.begin = size_;
  const std::size_t count = entry.chunk->size();
  entries_.push_back(std::move(entry));
  size_ += count;
}

SeriesChunk::Facts& SeriesList::change(std::size_t index) {
  const auto after = std::ranges::upper_bound(entries_, index, {}, &Entry::begin);
  Entry& entry = *std::prev(after);
  if (entry.chunk.use_count() != 1) entry.chunk = std::make_shared<SeriesChunk>(*entry.chunk);
  return std::const_pointer_cast<SeriesChunk>(entry.chunk)->change(index - entry.begin);
}

}  // namespace metrics::reader
