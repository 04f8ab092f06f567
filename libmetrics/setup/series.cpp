#include "libmetrics/setup/series.h"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "libmetrics/update/sanitizer.h"

namespace metrics::setup {
namespace {

constexpr std::size_t kFirstSize = 16;  // a power of two; doubled when half full

// Returns the address that the C ABI hands out.
const void* address_of(Handle handle) noexcept {
  return std::visit([](auto* h) -> const void* { return h; }, handle);
}

}  // namespace

std::string key_of(std::span<const std::string_view> strings) {
  std::string key;
  for (const std::string_view s : strings) {
    const auto size = static_cast<std::uint32_t>(s.size());
    key.append(reinterpret_cast<const char*>(&size), sizeof size).append(s);
  }
  return key;
}

update::Users& users_of(Handle handle) noexcept {
  return std::visit([](auto* h) -> update::Users& { return h->users; }, handle);
}

void HandleMemory::make_room() {
  if (free_ != nullptr) return;
  pieces_.reserve(pieces_.size() + 1);
  auto more = std::make_unique<std::array<Piece, kAtOnce>>();
  for (Piece& piece : *more) piece.next = std::exchange(free_, &piece);
  pieces_.push_back(std::move(more));
}

void* HandleMemory::take() noexcept { return std::exchange(free_, free_->next); }

void HandleMemory::give_back(Handle handle) noexcept {
  void* at = std::visit([](auto* h) -> void* { return h; }, handle);
  free_ = new (at) Piece{free_, {}};
}

SeriesTable::SeriesTable() : array_(new Array(kFirstSize)) {}

SeriesTable::~SeriesTable() {
  const std::unique_ptr<Array> array(array_.load(std::memory_order_relaxed));
  for (const auto& entry : array->entries) delete entry.load(std::memory_order_relaxed);
}

// Returns the entry that holds this series, or an older one with the same strings; else the empty
// entry where it belongs.
std::atomic<Series*>& SeriesTable::place(Array& array, const Series& series) noexcept {
  for (std::size_t i = series.hash & array.mask;; i = (i + 1) & array.mask) {
    const Series* there = array.entries[i].load(std::memory_order_relaxed);
    if (there == nullptr || (there->hash == series.hash && there->key == series.key)) {
      return array.entries[i];
    }
  }
}

SeriesTable::Replaced SeriesTable::make_room() {
  Array& full = *array_.load(std::memory_order_relaxed);
  if (2 * (count_ + 1) <= full.entries.size()) return {};
  std::size_t removed = 0;
  each([&](const Series& s) { removed += s.leads_nowhere() ? 1 : 0; });
  const bool keeps_all = 2 * removed <= count_;
  const std::size_t kept = keeps_all ? count_ : count_ - removed;
  auto fresh = std::make_unique<Array>(std::max(kFirstSize, std::bit_ceil(4 * (kept + 1))));
  Replaced replaced;
  if (!keeps_all) replaced.series.reserve(removed);
  each([&](Series& s) {
    if (keeps_all || !s.leads_nowhere()) {
      place(*fresh, s).store(&s, std::memory_order_relaxed);
    } else {
      replaced.series.emplace_back(&s);
    }
  });
  count_ = kept;
  replaced.array.reset(&full);
  array_.store(fresh.release(), std::memory_order_release);  // pairs with find's acquire
  return replaced;
}

std::unique_ptr<Series> SeriesTable::put(std::unique_ptr<Series> series) noexcept {
  std::atomic<Series*>& entry = place(*array_.load(std::memory_order_relaxed), *series);
  update::say_released(address_of(series->handle));
  std::unique_ptr<Series> replaced(entry.load(std::memory_order_relaxed));
  if (replaced == nullptr) ++count_;
  // Release: a thread that finds the series sees what it points to. Pairs with find's acquire.
  entry.store(series.release(), std::memory_order_release);
  return replaced;
}

}  // namespace metrics::setup
