// merge.h -- sums one segment's slots to families.
//
// The sum does not depend on which workers are alive: counters and histograms of the living and the
// dead are added, doubles one by one in slot order, since another order rounds differently and a
// counter that goes down by a rounding is a reset to Prometheus. gauge_merge.h merges gauges.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "libmetrics/reader/families.h"
#include "libmetrics/reader/gauge_merge.h"
#include "libmetrics/reader/reader.h"

namespace metrics::reader {

// One thread at a time may use it.
class SegmentMerge {
 public:
  explicit SegmentMerge(std::string file, Access access = Access::kCopied);

  // Reads the segment as it is now. Returns false, with why(), if it can't be read; families() is
  // then empty.
  bool read();
  // Does the same for one slot alone, so that families() is what it contributes. Slots that were
  // never used contribute nothing.
  bool read_slot(format::SlotIndex slot);
  const std::string& why() const noexcept { return reader_.why(); }
  const std::string& file() const noexcept { return reader_.file(); }

  // Returns what the last read() found; values keep their indices as long as the shape stays.
  const Families& families() const noexcept { return families_; }
  Reader& reader() noexcept { return reader_; }

 private:
  // The cells of one series that is not a gauge: `whole` counts, then one double.
  struct Sum {
    std::uint64_t first_cell;
    std::size_t first_value;
    std::uint32_t whole;
    std::uint64_t end_cell() const noexcept { return first_cell + whole + 1; }
  };
  // The sums begin..end-1 of by_cell_ in one slot.
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
  std::shared_ptr<const Catalogue> planned_;  // for which the members below were made
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
