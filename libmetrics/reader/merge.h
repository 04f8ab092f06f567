// merge.h -- sums one segment's slots to families.
//
// The sum does not depend on which workers are alive: counters and histograms of the living and the
// dead are added, doubles one by one in slot order, since another order rounds differently and a
// counter that goes down by a rounding is a reset to Prometheus. gauge_merge.h merges gauges.
//
// Nor does it depend on which edition of a family is the last: what is shown at a set of labels,
// and at a bound, is a function of counts that only grow. Only which bounds are shown follows the
// last edition. What an older one has counted between two of its bounds is shown from the next
// shown bound on that is not below the upper one, so that no observation is shown as smaller than
// it was. The same holds for native buckets, which are shown in the coarsest resolution of all
// editions: an older one's counts go to the bucket that holds their upper end.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libmetrics/reader/exemplars.h"
#include "libmetrics/reader/families.h"
#include "libmetrics/reader/gauge_merge.h"
#include "libmetrics/reader/parts.h"
#include "libmetrics/reader/reader.h"
#include "libmetrics/reader/shown.h"

namespace metrics::reader {

// One thread at a time may use it.
class SegmentMerge {
 public:
  explicit SegmentMerge(std::string file, Access access = Access::kCopied, Admit admit = {});

  // From now on, values are added, and the directory is compared, in as many threads.
  void use(Threads threads) noexcept {
    threads_ = threads;
    reader_.use(threads);
  }

  // Reads the segment as it is now. Leaves out series whose records are taken meanwhile. Returns
  // false, with why(), if it can't be read; families() is then empty.
  bool read();
  // The three steps of read(), for callers with several segments, whose costs share an allowance.
  // Each may be called only after the one before has succeeded.
  bool examine();
  bool read_directory(Allowance& allowance);
  bool read_values(Allowance& allowance);
  // Reads the exemplars of what the last of them has read, for a format that shows them. Returns
  // false as read() does.
  bool read_exemplars();
  // Closes the file, and lets go what was read; examine() opens it again.
  void close();
  // Return what the next step costs, as far as it is known before.
  Cost cost_of_directory() const noexcept { return {.copy = reader_.copy_bytes()}; }
  Cost cost_of_values() const noexcept { return {.exposition = reader_.catalogue()->cost_of_sums}; }

  // Does the same as read() for one slot alone, so that families() is what it contributes. Slots
  // that were never used contribute nothing.
  bool read_slot(format::SlotIndex slot);
  const std::string& why() const noexcept { return reader_.why(); }
  const std::string& file() const noexcept { return reader_.file(); }
  std::optional<uid_t> owner_of_file() const noexcept { return reader_.owner_of_file(); }

  // Returns what the last read() found; values keep their indices as long as the shape stays.
  const Families& families() const noexcept { return families_; }
  Reader& reader() noexcept { return reader_; }

 private:
  // The cells of one series that is not a gauge: `whole` counts, then one double.
  struct Sum {
    static constexpr unsigned kCellBits = 44, kCountBits = 20;
    static constexpr std::uint64_t kMostCells = std::uint64_t{1} << kCellBits;
    static constexpr std::uint32_t kMostCounts = std::uint32_t{1} << kCountBits;
    static_assert(format::kMostFileBytes / sizeof(format::Cell) <= kMostCells);
    static_assert(format::kMaxNativeBuckets + 2 * format::kMaxBounds < kMostCounts);
    Sum(std::uint64_t cell, std::uint32_t counts, std::uint64_t value) noexcept
        : first_cell(cell % kMostCells), whole(counts % kMostCounts), first_value(value) {}
    std::uint64_t first_cell : kCellBits;
    std::uint64_t whole : kCountBits;
    std::uint64_t first_value;
    std::uint64_t end_cell() const noexcept { return first_cell + whole + 1; }
  };
  // The values of one record, of a series that has several, or whose family has been given other
  // bounds since. They are summed by themselves and then added to the series' values.
  struct Fold {
    std::size_t record;                        // index into the catalogue's series
    std::size_t from, to;                      // the first value
    std::uint32_t counts;                      // of the record
    std::uint32_t shown;                       // of the series
    const std::vector<std::uint32_t>* places;  // by count: which of the series' counts it adds to
  };
  // The sums begin..end-1 of by_cell_ in one slot.
  struct Piece {
    const std::uint64_t* cells;
    std::size_t begin, end;
  };

  bool read_slots(std::span<const format::SlotIndex> slots, Allowance& allowance);
  bool forget();
  void plan();
  bool plan_changes(const Catalogue& catalogue);
  bool can_take(const Catalogue& catalogue) const;
  void take_out(std::uint32_t series, format::Offset record);
  void put_in(const Contents& contents, std::uint32_t place);
  void place_sums(std::vector<std::uint64_t> removed, std::size_t added);
  bool touch_gone();
  bool add_slots(std::span<const format::SlotIndex> slots);
  bool divide(format::SlotIndex slot);
  bool add_pieces();
  bool add_between(std::size_t begin, std::size_t end);
  void plan_sums(const Shown::Series& series);
  void plan_exemplars(std::size_t series);
  const std::vector<std::uint32_t>& places_of(std::uint32_t edition, const Shown::Family& shown);
  void fold();
  bool is_gone(const Shown::Series& series) const;
  bool find_unused_overflows();
  void rebuild();
  void update();
  void rebuild_processes();
  std::vector<Label> labels_of_series(std::size_t series) const;
  bool is_visible(std::size_t series) const;
  void plan_names();
  void sort_by_record(std::vector<std::uint32_t>& series) const;
  void list(std::size_t series, SeriesList& to) const;

  Reader reader_;
  Threads threads_;
  std::optional<format::SlotIndex> only_;     // that the last read_slot() has read
  std::shared_ptr<const Catalogue> planned_;  // for which the members below were made
  Shown shown_;
  // By record: the series in shown_ that it is of, or Shown::kNone.
  std::vector<std::uint32_t> series_of_;
  std::vector<std::uint32_t> of_processes_;  // those series in shown_ that are, ascending
  std::vector<std::size_t> first_values_;    // of each series in shown_, unless it is of processes
  std::vector<bool> listed_;                 // likewise: it is among the families' series
  // By edition: the names of its series' labels; nullptr if a series may have other ones.
  std::vector<std::shared_ptr<const LabelNames>> names_;
  std::vector<Sum> by_cell_;                                    // in the order of cells
  std::vector<Fold> folds_;                                     // in the order of records
  std::map<std::uint32_t, std::vector<std::uint32_t>> places_;  // by edition, see Fold
  std::vector<std::uint64_t> straddling_;   // scratch: copies of series that reach into a hole
  std::vector<Reader::Stretch> stretches_;  // scratch
  std::vector<Piece> pieces_;               // likewise
  std::size_t sum_values_ = 0;
  std::size_t samples_at_ = 0;  // where the samples' values begin, behind those of sums
  bool moved_samples_ = false;  // they have to be listed there
  // What series that are gone have left for others: their indices, and their values by count.
  std::vector<std::uint32_t> free_series_;
  std::map<std::uint32_t, std::vector<std::size_t>> free_values_;
  std::vector<std::uint32_t> touched_;  // series that may have to be listed, or not
  struct Edits {
    std::vector<format::Offset> removed;
    std::vector<std::uint32_t> added;  // indices into shown_.series
  };
  std::map<std::uint32_t, Edits> edits_;  // by family, to be applied
  std::vector<bool> gone_, last_gone_;    // see Reader::find_gone()
  // Of families with a limit, the series that count beyond it: indices into shown_.series. They are
  // there from the beginning, and shown once they are not 0.
  std::vector<std::size_t> overflows_;
  std::vector<bool> unused_;  // by series: it is one of them, and 0
  GaugeMerge gauges_;
  // By series, up to the last one that has exemplars: its index in Families::exemplars.
  std::vector<std::uint32_t> exemplars_of_;
  ExemplarMerge exemplars_;
  Families families_;
};

}  // namespace metrics::reader
