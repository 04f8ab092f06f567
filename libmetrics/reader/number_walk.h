// number_walk.h -- finds, of the numbers of a list of series, those of a list that came from it:
// some were taken out, others put in, and the order of those that stayed is the same.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace metrics::reader {

class NumberWalk {
 public:
  // The numbers of the former list; they must stay as long as this object.
  explicit NumberWalk(std::span<const std::uint64_t> former) noexcept : former_(former) {}

  // Returns where a series stood in the former list; an empty optional if it did not. The caller
  // asks in the order of the new list.
  std::optional<std::size_t> find(std::uint64_t number) {
    if (number == 0) return std::nullopt;
    if (at_ < former_.size() && former_[at_] == number) return at_++;
    if (newest_ == 0 && !former_.empty()) newest_ = *std::ranges::max_element(former_);
    if (number > newest_) return std::nullopt;
    if (sorted_.empty()) {
      sorted_.assign(former_.begin(), former_.end());
      std::ranges::sort(sorted_);
    }
    if (!std::ranges::binary_search(sorted_, number)) return std::nullopt;
    const auto next = former_.subspan(at_);
    const auto found = std::ranges::find(next, number);
    if (found == next.end()) return std::nullopt;  // it stood elsewhere
    at_ += static_cast<std::size_t>(found - next.begin());
    return at_++;
  }

 private:
  const std::span<const std::uint64_t> former_;
  std::uint64_t newest_ = 0;           // found when it is needed first
  std::vector<std::uint64_t> sorted_;  // likewise
  std::size_t at_ = 0;
};

}  // namespace metrics::reader
