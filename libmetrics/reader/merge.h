// merge.h -- one segment's slots, summed to families.
//
// The sum needs no knowledge of who is alive: counters and histograms of the living and the dead
// are added, doubles one by one in slot order, since another order rounds differently and a counter
// that goes down by a rounding is a reset to Prometheus. Gauges are merged by gauge_merge.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "libmetrics/reader/families.h"
#include "libmetrics/reader/gauge_merge.h"
#include "libmetrics/reader/reader.h"

namespace metrics::reader {

// For one thread at a time.
class SegmentMerge {
 public:
  explicit SegmentMerge(std::string file, Access access = Access::kCopied);

  // Reads the segment as it is now. False, with why(), if it can't be read; families() is then
  // empty.
  bool read();
  // The same for one slot alone: what it contributes. Slots that were never used contribute
  // nothing.
  bool read_slot(format::SlotIndex slot);
  const std::string& why() const noexcept { return reader_.why(); }
  const std::string& file() const noexcept { return reader_.file(); }

  // What the last read() found; values stay where they are as long as the shape does.
  const Families& families() const noexcept { return families_; }
  Reader& reader() noexcept { return reader_; }

 private:
  // Cells that are added alike: `whole` counts, then one double.
  struct Sum {
    std::uint64_t first_cell;
    std::size_t first_value;
    std::uint32_t whole;
    std::uint64_t end_cell() const noexcept { return first_cell + whole + 1; }
  };
  // Some of by_cell_, begin..end-1, in one slot.
  struct Piece {
    const std::uint64_t* cells;
    std::size_t begin, end;
  };

  bool read_slots(std::span<const format::SlotIndex> slots);
  void forget();
  void plan();
  bool add_slots(std::span<const format::SlotIndex> slots);
  bool add_mapped(std::span<const format::SlotIndex> slots);
  void rebuild();

  Reader reader_;
  std::shared_ptr<const Catalogue> planned_;  // the catalogue of what follows
  std::vector<Sum> sums_;                     // in the catalogue's order, which is that of values
  std::vector<Sum> by_cell_;                  // the same in the order of cells
  std::vector<std::uint64_t> straddling_;     // scratch: copies of series that reach into a hole
  std::vector<Reader::Stretch> stretches_;    // scratch
  std::vector<Piece> pieces_;                 // likewise
  std::size_t sum_values_ = 0;
  GaugeMerge gauges_;
  Families families_;
};

}  // namespace metrics::reader
