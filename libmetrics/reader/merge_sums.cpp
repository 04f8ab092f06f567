// merge_sums.cpp -- adds the cells of slots to a merge's values.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <span>
#include <vector>

#include "libmetrics/reader/add.h"
#include "libmetrics/reader/mapping.h"
#include "libmetrics/reader/merge.h"

namespace metrics::reader {

// Adds slots without touching pages that no process has written: in a mapping, that would take
// memory. A series that reaches into such a hole is copied, since a hole does not prove that
// nothing was written to the series: where the kernel can't populate what is reserved
// (MADV_POPULATE_WRITE, Linux 5.14), the page with a counter's fraction may be a hole forever.
bool SegmentMerge::add_slots(std::span<const format::SlotIndex> slots) {
  auto& values = families_.values;
  values.resize(std::max(values.size(), sum_values_));
  std::fill_n(values.begin(), sum_values_, 0);
  gauges_.begin();
  pieces_.clear();
  straddling_.clear();
  for (const format::SlotIndex slot : slots) {
    if (!reader_.data_in(slot, stretches_)) return false;
    if (stretches_.empty()) continue;
    if (!divide(slot) || !gauges_.hold(reader_, slot, stretches_)) return false;
    // Mapped slots are added all at once; a copy is there only until the next slot.
    if (!reader_.is_mapped() && !add_pieces()) return false;
  }
  return add_pieces();
}

// Divides the stretches of a slot to pieces, each of which is added with one call.
bool SegmentMerge::divide(format::SlotIndex slot) {
  const auto piece = [&](const std::uint64_t* where, auto begin, auto end) {
    pieces_.push_back({where, static_cast<std::size_t>(begin - by_cell_.begin()),
                       static_cast<std::size_t>(end - by_cell_.begin())});
  };
  const auto copied = [&](auto sum) {
    const std::size_t at = straddling_.size();
    straddling_.resize(at + sum->whole + 1);
    piece(nullptr, sum, sum + 1);
    return reader_.copy_cells(slot, sum->first_cell, std::span(straddling_).subspan(at));
  };
  auto sum = by_cell_.begin();
  for (const auto& stretch : stretches_) {
    sum = std::lower_bound(sum, by_cell_.end(), stretch.begin,
                           [](const Sum& s, std::uint64_t cell) { return s.end_cell() <= cell; });
    if (sum != by_cell_.end() && sum->first_cell < stretch.begin && !copied(sum++)) return false;
    const auto end =
        std::lower_bound(sum, by_cell_.end(), stretch.end,
                         [](const Sum& s, std::uint64_t cell) { return s.end_cell() <= cell; });
    if (sum != end) piece(stretch.cells, sum, end);
    sum = end;
    if (sum != by_cell_.end() && sum->first_cell < stretch.end && !copied(sum++)) return false;
  }
  return true;
}

// Adds all pieces, and forgets them.
bool SegmentMerge::add_pieces() {
  std::uint64_t* copy = straddling_.data();
  for (Piece& p : pieces_) {
    if (p.cells != nullptr) continue;
    const Sum& sum = by_cell_[p.begin];
    p.cells = copy - sum.first_cell;
    copy += sum.whole + 1;
  }
  std::size_t numbers = 0;
  for (const Piece& p : pieces_) numbers += p.end - p.begin;
  // Each thread adds all slots' cells of some series: doubles are added in the order of slots.
  const std::size_t parts = threads_.parts(numbers);
  std::vector<std::size_t> ends(parts + 1, by_cell_.size());
  for (std::size_t part = 0; part < parts; ++part) {
    ends[part] = static_cast<std::size_t>(
        std::ranges::lower_bound(by_cell_, planned_->cells / parts * part, {},
                                 [](const Sum& s) -> std::uint64_t { return s.first_cell; }) -
        by_cell_.begin());
  }
  std::atomic<bool> is_truncated = false;
  in_parts(parts, [&](std::size_t part) {
    if (!add_between(ends[part], ends[part + 1])) {
      is_truncated.store(true, std::memory_order_relaxed);  // threads are joined before it is read
    }
  });
  pieces_.clear();
  straddling_.clear();
  return !is_truncated.load(std::memory_order_relaxed) || reader_.truncated();
}

// Adds what the pieces have of the sums begin..end-1. Returns false if the file was truncated.
bool SegmentMerge::add_between(std::size_t begin, std::size_t end) {
  const auto add = add_quickly<Sum>();
  return read_guarded([&] {
    const Piece* piece = pieces_.data();
    const Piece* const last = piece + pieces_.size();
    std::uint64_t* const values = families_.values.data();
    while (piece != last) {
      const std::uint64_t* cells[kTogether];
      std::size_t count = 0;
      for (; count < kTogether && piece + count != last && piece[count].begin == piece->begin &&
             piece[count].end == piece->end;
           ++count) {
        cells[count] = piece[count].cells;
      }
      if (count < kTogether) count = 1;
      const std::size_t from = std::max(piece->begin, begin), to = std::min(piece->end, end);
      if (from < to) add(by_cell_.data() + from, by_cell_.data() + to, values, cells, count);
      piece += count;
    }
  });
}

}  // namespace metrics::reader
