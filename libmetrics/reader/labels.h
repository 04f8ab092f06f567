// labels.h -- the labels of a series: names that many series share, and values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace metrics::reader {

struct Label {
  std::string name;
  std::string value;  // UTF-8, not escaped
  friend bool operator==(const Label&, const Label&) = default;
};

using LabelNames = std::vector<std::string>;

// Appends a value as Labels finds it: its size, seven bits a byte, and its bytes.
inline void append_value(std::string& to, std::string_view value) {
  constexpr std::size_t kSeven = 128;
  std::size_t size = value.size();
  for (; size >= kSeven; size /= kSeven) to += static_cast<char>(size % kSeven + kSeven);
  to += static_cast<char>(size);
  to += value;
}

// A view of labels, in the order in which they are written; valid as long as the list of series
// that it is from. Whoever keeps labels converts them to a std::vector<Label>.
class Labels {
 public:
  Labels() noexcept = default;
  // The values are those that append_value() has appended, one for each name; `last` is one more
  // label behind them, unless it is nullptr.
  Labels(const LabelNames& names, const char* values, const Label* last) noexcept
      : names_(&names), values_(values), last_(last) {}

  std::size_t size() const noexcept { return names().size() + (last_ == nullptr ? 0 : 1); }
  bool empty() const noexcept { return size() == 0; }

  // Calls visit(name, value) for each label.
  template <class Visit>
  void each(Visit visit) const {
    const char* at = values_;
    for (const std::string& name : names()) {
      const std::string_view value = next(at);
      visit(std::string_view(name), value);
    }
    if (last_ != nullptr) visit(std::string_view(last_->name), std::string_view(last_->value));
  }

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Label;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = Label;
    Iterator() noexcept = default;
    Label operator*() const {
      const char* at = at_;
      if (index_ == labels_->names().size()) return *labels_->last_;
      return {labels_->names()[index_], std::string(next(at))};
    }
    Iterator& operator++() noexcept {
      if (index_++ < labels_->names().size()) next(at_);
      return *this;
    }
    Iterator operator++(int) noexcept {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) noexcept {
      return a.index_ == b.index_;
    }

   private:
    friend class Labels;
    Iterator(const Labels& labels, std::size_t index) noexcept
        : labels_(&labels), at_(labels.values_), index_(index) {}
    const Labels* labels_ = nullptr;
    const char* at_ = nullptr;
    std::size_t index_ = 0;
  };
  using value_type = Label;
  using iterator = Iterator;
  using const_iterator = Iterator;
  Iterator begin() const noexcept { return {*this, 0}; }
  Iterator end() const noexcept { return {*this, size()}; }

  Label at(std::size_t index) const {
    if (index >= size()) throw std::out_of_range("a series has fewer labels");
    return *std::next(begin(), static_cast<std::ptrdiff_t>(index));
  }
  Label operator[](std::size_t index) const { return at(index); }
  Label front() const { return at(0); }
  Label back() const { return at(size() - 1); }

  // Returns labels that can be kept.
  operator std::vector<Label>() const {  // NOLINT(google-explicit-constructor)
    std::vector<Label> all;
    all.reserve(size());
    each([&](std::string_view name, std::string_view value) {
      all.push_back({std::string(name), std::string(value)});
    });
    return all;
  }
  friend bool operator==(const Labels& a, const std::vector<Label>& b) {
    return static_cast<std::vector<Label>>(a) == b;
  }
  friend bool operator==(const Labels& a, const Labels& b) {
    return a == static_cast<std::vector<Label>>(b);
  }

 private:
  const LabelNames& names() const noexcept {
    static const LabelNames kNone;
    return names_ == nullptr ? kNone : *names_;
  }
  // Returns the value that begins there, and moves behind it.
  static std::string_view next(const char*& at) noexcept {
    constexpr std::size_t kSeven = 128;
    std::size_t size = 0, place = 1;
    std::uint8_t byte;
    do {
      byte = static_cast<std::uint8_t>(*at++);
      size += byte % kSeven * place;
      place *= kSeven;
    } while (byte >= kSeven);
    const std::string_view value(at, size);
    at += size;
    return value;
  }

  const LabelNames* names_ = nullptr;
  const char* values_ = nullptr;
  const Label* last_ = nullptr;
};

}  // namespace metrics::reader
