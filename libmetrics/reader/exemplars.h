// exemplars.h -- gathers the exemplars of all slots: of each series, the newest of each bucket.
//
// They lead to more, and are part of no sum: one is shown until a newer one of its bucket is there,
// whether the process lives that has stored it or not. Its bucket follows from its value; that it
// is one, and of that series, from its check (format/exemplar.h). So whatever bytes stand in a
// place, nothing wrong is shown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "libmetrics/format/exemplar.h"
#include "libmetrics/reader/families.h"
#include "libmetrics/reader/reader.h"

namespace metrics::reader {

// One thread at a time may use it. For each scrape that shows exemplars the caller calls begin(),
// then hold() for each slot, then put().
class ExemplarMerge {
 public:
  // Forgets all series; add() then adds their records one after the other, in the order of series.
  // Behind the last one the caller calls arrange().
  void forget();
  // Adds a record of the series that has that index in Families::exemplars. The family, in whose
  // bounds it is shown, must stay until forget().
  void add(std::size_t index, const format::SeriesView& record, const format::FamilyView& family);
  void arrange();
  // Returns how many different indices were added.
  std::size_t size() const noexcept { return series_.size(); }

  void begin();
  // Takes the exemplars from a slot, all of whose data lies in these stretches. Returns false, with
  // the reader's why(), if the file was truncated meanwhile.
  bool hold(Reader& reader, std::span<const Reader::Stretch> stretches);
  // Replaces what is in `to`, by index. Stamps beyond `now_ns` are cut to that: the clock may have
  // been set back.
  void put(std::uint64_t now_ns, std::vector<std::vector<Exemplar>>& to) const;

 private:
  struct Record {
    std::size_t index;
    format::Offset offset;
    std::uint64_t live, first_place, places;
  };
  struct Found {
    const Record* record;
    std::uint64_t cell;
    format::ExemplarWords words;
  };
  struct Newest {
    std::size_t bucket;
    std::uint32_t octave;  // of a native histogram, whose buckets are finer: the power of two
    format::ExemplarWords words;
  };
  struct OfSeries {
    const format::FamilyView* family;
    std::vector<Newest> newest;
  };
  void keep(const Found& found, const format::HashKey& key);

  std::vector<Record> records_;   // in the order of places, after arrange()
  std::vector<OfSeries> series_;  // by index
  std::vector<Found> found_;      // scratch: of the slot that is being read
};

}  // namespace metrics::reader
