// series_list.h -- the series of a family, in chunks that are shared and never change, so that a
// list that differs in a few series is made of the chunks of the former one, and whoever keeps
// something that was made of a chunk knows it again.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libmetrics/reader/labels.h"

namespace metrics::reader {

// A series as a list shows it.
struct Series {
  Labels labels;
  std::size_t first_value = 0;  // index into Families::values
  // Where its first record stands in the segment, and when the oldest of its records was made. If
  // the series is removed, and another one has its labels later, they differ. 0: of no segment, or
  // of processes.
  std::uint64_t record = 0;
  std::uint64_t created_ns = 0;
  // Index into Families::exemplars; kNone: the series has no places for any.
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  std::uint32_t exemplars = kNone;
  bool may_have_exemplars() const noexcept { return exemplars != kNone; }
  friend bool operator==(const Series&, const Series&) = default;
};

// Some series of a list. Their labels are kept in two places: names once, values one after the
// other.
class SeriesChunk {
 public:
  // More would cost more where one of them changes, less would cost memory.
  static constexpr std::size_t kMost = 128;

  // What is kept of a series beside its labels.
  struct Facts {
    std::uint64_t first_value;
    std::uint64_t record;
    std::uint64_t created_ns;
    std::uint32_t exemplars;
    std::uint32_t names, values;  // where its labels are
  };
  // Changes with the content; no two chunks of this process have had the same.
  std::uint64_t number() const noexcept { return number_; }
  std::span<const Facts> facts() const noexcept { return facts_; }
  std::size_t size() const noexcept { return facts_.size(); }
  Labels labels(std::size_t index, const Label* last) const noexcept {
    const Facts& f = facts_[index];
    return {*names_[f.names], values_.data() + f.values, last};
  }
  // The different lists of names that its series have.
  std::span<const std::shared_ptr<const LabelNames>> names() const noexcept { return names_; }

  // For who makes it: adds a series with these names and values, as many as names.
  template <class Values>
  void add(const std::shared_ptr<const LabelNames>& names, const Values& values, Facts facts) {
    facts.values = static_cast<std::uint32_t>(values_.size());
    for (const std::string_view value : values) append_value(values_, value);
    add(names, facts);
  }
  // Adds a series of another chunk.
  void add(const SeriesChunk& from, std::size_t index);
  // Returns a chunk with the same series, whose labels have other names: as many lists as names().
  std::shared_ptr<const SeriesChunk> renamed(
      std::vector<std::shared_ptr<const LabelNames>> names) const;
  // Changes what is known of a series.
  Facts& change(std::size_t index);

 private:
  void add(const std::shared_ptr<const LabelNames>& names, const Facts& facts);

  std::uint64_t number_ = 0;
  std::vector<Facts> facts_;
  std::vector<std::shared_ptr<const LabelNames>> names_;
  std::string values_;
};

class SeriesList {
 public:
  // A chunk as it stands in a list.
  struct Entry {
    std::shared_ptr<const SeriesChunk> chunk;
    std::shared_ptr<const Label> last;  // of each of its series, behind its own; may be nullptr
    std::uint64_t values = 0;           // what is added to each first_value
    std::uint32_t exemplars = 0;        // and to each index of exemplars
    std::size_t begin = 0;              // the index of its first series in the list

    Series at(std::size_t index) const noexcept {
      const SeriesChunk::Facts& f = chunk->facts()[index];
      const bool none = f.exemplars == Series::kNone;
      return {chunk->labels(index, last.get()), f.first_value + values, f.record, f.created_ns,
              none ? Series::kNone : f.exemplars + exemplars};
    }
  };

  SeriesList() = default;
  SeriesList(std::initializer_list<Series> series) {
    for (const Series& s : series) push_back(s);
  }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  void clear() noexcept {
    entries_.clear();
    size_ = 0;
  }
  std::span<const Entry> entries() const noexcept { return entries_; }

  // Iterates over values, which are valid as long as the list does not change.
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Series;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = Series;
    Iterator() noexcept = default;
    Series operator*() const noexcept { return entry_->at(index_); }
    Iterator& operator++() noexcept {
      if (++index_ == entry_->chunk->size()) {
        ++entry_;
        index_ = 0;
      }
      return *this;
    }
    Iterator operator++(int) noexcept {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator&, const Iterator&) noexcept = default;

   private:
    friend class SeriesList;
    explicit Iterator(const Entry* entry) noexcept : entry_(entry) {}
    const Entry* entry_ = nullptr;
    std::size_t index_ = 0;
  };
  using value_type = Series;
  using iterator = Iterator;
  using const_iterator = Iterator;
  Iterator begin() const noexcept { return Iterator(entries_.data()); }
  Iterator end() const noexcept { return Iterator(entries_.data() + entries_.size()); }

  Series at(std::size_t index) const;
  Series operator[](std::size_t index) const { return at(index); }
  Series front() const { return at(0); }
  Series back() const { return at(size_ - 1); }

  // Adds a series with these names and values, as many as names.
  template <class Values>
  void push_back(const std::shared_ptr<const LabelNames>& names, const Values& values,
                 const Series& series) {
    add([&](SeriesChunk& chunk) {
      chunk.add(names, values,
                {series.first_value, series.record, series.created_ns, series.exemplars, 0, 0});
    });
  }
  // Does the same with copies of these labels, or of the series' own.
  void push_back(std::span<const Label> labels, const Series& series);
  void push_back(const Series& series);
  // Adds a series of a chunk.
  void push_back(const SeriesChunk& from, std::size_t index) {
    add([&](SeriesChunk& chunk) { chunk.add(from, index); });
  }
  // Adds all series of a chunk, and shares that.
  void append(Entry entry);
  // Changes what is known of a series, apart from its labels. The list must not be appended to
  // another one.
  SeriesChunk::Facts& change(std::size_t index);

  friend bool operator==(const SeriesList& a, const SeriesList& b) {
    return a.size_ == b.size_ && std::equal(a.begin(), a.end(), b.begin());
  }

 private:
  SeriesChunk* open_chunk() noexcept;
  template <class Add>
  void add(Add add) {
    if (SeriesChunk* open = open_chunk()) {
      add(*open);
    } else {
      const auto chunk = std::make_shared<SeriesChunk>();
      add(*chunk);
      Entry& entry = entries_.emplace_back();
      entry.chunk = chunk;
      entry.begin = size_;
    }
    ++size_;
  }

  std::vector<Entry> entries_;  // none of them empty
  std::size_t size_ = 0;
};

}  // namespace metrics::reader
