#include "libmetrics/update/exemplars.h"

#include <bit>
#include <cstddef>
#include <utility>

#include "libmetrics/format/clock.h"
#include "libmetrics/format/exemplar.h"
#include "libmetrics/format/layout.h"
#include "libmetrics/format/records.h"
#include "libmetrics/update/drops.h"
#include "libmetrics/update/handles.h"
#include "libmetrics/update/own_slots.h"

namespace metrics::update {
namespace {

// The thread has a slot, so it counts as inside of an update until it is seen outside: as its
// cells, the record is that series' until then. What it says is not trusted: a place that another
// program's bytes have moved may be a wrong one, but not one that faults.
template <class Kept, class Handle>
void keep(const Handle& handle, double value, std::uint32_t bucket, const ExemplarOf& of) noexcept {
  const std::uint32_t segment = segment_of(handle);
  OwnSlots* slots = own_slots_at(segment);
  if (slots == nullptr) return;
  std::uint64_t* const own = metrics_hot_cells(segment);
  if (own == nullptr) return;
  const auto& kept = static_cast<const Kept&>(handle);
  const format::SeriesRecord& record = record_of(kept);
  const std::uint32_t places = record.places;
  if (places == 0) {
    slots->unplaced.store(&record.record.state, std::memory_order_relaxed);
    return drop(slots->segment(), format::Drop::kExemplarUnplaced, {record.family});
  }
  format::ExemplarWords words;
  if (!format::put_labels(of.names, of.values, of.count, words)) {
    return drop(slots->segment(), format::Drop::kExemplarInvalid, {record.family});
  }
  const std::byte* const base = slots->segment().base();
  const auto& g = slots->segment().geometry();
  const auto* family = format::Window(base, 0, g.directory + g.directory_bytes)
                           .at<format::FamilyRecord>(record.family);
  const bool is_native = family != nullptr && family->native != 0;
  const format::PlaceId id{
      static_cast<format::Offset>(reinterpret_cast<const std::byte*>(&record) - base),
      __atomic_load_n(&kept.live, __ATOMIC_ACQUIRE),
      record.first_place +
          std::uint64_t{format::place_of(value, bucket, places, is_native)} * format::kPlaceCells};
  if (!slots->are_bound(id.cell, format::kPlaceCells)) return;
  const format::HashKey& key = slots->segment().hash_key();
  const std::uint64_t seed = format::seed_of(id, key);
  words.value = std::bit_cast<std::uint64_t>(value);
  words.stamp = format::now_ns();
  words.check = format::check_of(words, seed, key);
  // Relaxed, and in any order: what is not all of one exemplar is none, by its check.
  const auto store = [to = own + id.cell](std::size_t word, std::uint64_t n) {
    __atomic_store_n(to + word, n, __ATOMIC_RELAXED);
  };
  store(offsetof(format::Place, check) / sizeof(format::Cell), words.check);
  store(offsetof(format::Place, stamp) / sizeof(format::Cell), words.stamp);
  store(offsetof(format::Place, value) / sizeof(format::Cell), words.value);
  constexpr std::size_t kText = offsetof(format::Place, text) / sizeof(format::Cell);
  [&]<std::size_t... kWord>(std::index_sequence<kWord...>) {
    (store(kText + kWord, words.text[kWord]), ...);
  }
  (std::make_index_sequence<format::kExemplarTextWords>());
}

}  // namespace

void keep_exemplar(const metrics_counter& c, double amount, const ExemplarOf& of) noexcept {
  keep<Counter>(c, amount, 0, of);
}

void keep_exemplar(const metrics_histogram& h, double value, std::uint32_t bucket,
                   const ExemplarOf& of) noexcept {
  keep<Histogram>(h, value, bucket, of);
}

}  // namespace metrics::update
