#include "libmetrics/setup/series.h"

#include "libmetrics/update/sanitizer.h"

namespace metrics::setup {
namespace {

constexpr std::size_t kFirstSize = 16;  // a power of two; doubled when half full

// Returns the handle that the C ABI hands out for the series; nullptr for one without values.
const void* handle_of(const Series& series) noexcept {
  if (const auto* counter = std::get_if<metrics_counter>(&series.hot)) return counter;
  if (const auto* histogram = std::get_if<metrics_histogram>(&series.hot)) return histogram;
  if (const auto* gauge = std::get_if<update::Gauge>(&series.hot)) return gauge;
  return nullptr;
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

SeriesTable::SeriesTable() {
  arrays_.push_back(std::make_unique<Array>(kFirstSize));
  array_.store(arrays_.back().get(), std::memory_order_relaxed);
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

void SeriesTable::make_room() {
  if (series_.size() == series_.capacity()) series_.reserve(2 * series_.size() + 1);
  Array* array = array_.load(std::memory_order_relaxed);
  if (2 * (count_ + 1) <= array->entries.size()) return;
  auto larger = std::make_unique<Array>(2 * array->entries.size());
  for (const auto& entry : array->entries) {
    if (Series* s = entry.load(std::memory_order_relaxed); s != nullptr) {
      place(*larger, *s).store(s, std::memory_order_relaxed);
    }
  }
  array = larger.get();
  arrays_.push_back(std::move(larger));
  array_.store(array, std::memory_order_release);  // pairs with find's acquire
}

Series& SeriesTable::put(std::unique_ptr<Series> series) noexcept {
  Series& added = *series_.emplace_back(std::move(series));
  std::atomic<Series*>& entry = place(*array_.load(std::memory_order_relaxed), added);
  update::say_released(handle_of(added));
  if (entry.load(std::memory_order_relaxed) == nullptr) ++count_;
  // Release: a thread that finds the series sees what it points to. Pairs with find's acquire.
  entry.store(&added, std::memory_order_release);
  return added;
}

}  // namespace metrics::setup
