// series.h -- a family and its series in this process: what handles point to, found by label
// values.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "libmetrics/format/definition.h"
#include "libmetrics/format/error.h"
#include "libmetrics/format/hash.h"
#include "libmetrics/format/records.h"
#include "libmetrics/setup/bounds.h"
#include "libmetrics/update/gauges.h"
#include "metrics/hot.h"

namespace metrics::setup {

class Registry;

// Label values in one piece: each one's size, as 4 bytes, and its bytes.
std::string key_of(std::span<const std::string_view> strings);

// Whether key is key_of(strings). All keys in a table are of as many strings.
inline bool is_key(const std::string& key, std::span<const std::string_view> strings) noexcept {
  const char* at = key.data();
  for (const std::string_view s : strings) {
    const std::uint64_t size = format::read_half(at);
    at += sizeof(std::uint32_t);
    if (size != s.size() || !format::same_bytes(at, s.data(), size)) return false;
    at += size;
  }
  return true;
}

struct Series {
  std::uint64_t hash;
  std::string key;              // key_of() the label values, valid UTF-8
  const format::Cell* removed;  // in the directory
  std::variant<std::monostate, metrics_counter, metrics_histogram, update::Gauge> hot;

  bool is_removed() const noexcept { return removed->load(std::memory_order_relaxed) != 0; }
};

// Series by label values. Finding takes no lock and sees every entry that was added before; adding
// is for one thread at a time. Nothing is ever freed: a reader may be anywhere.
class SeriesTable {
 public:
  SeriesTable();
  SeriesTable(const SeriesTable&) = delete;
  SeriesTable& operator=(const SeriesTable&) = delete;
  ~SeriesTable() = default;

  // nullptr if there is none. A removed series is there until it is replaced. Inline, for labels()
  // on every request.
  [[gnu::always_inline]] Series* find(std::uint64_t hash,
                                      std::span<const std::string_view> strings) const noexcept {
    const Array& array = *array_.load(std::memory_order_acquire);  // with put's release
    for (std::size_t i = hash & array.mask;; i = (i + 1) & array.mask) {
      Series* series = array.entries[i].load(std::memory_order_acquire);  // with put's release
      if (series == nullptr || (series->hash == hash && is_key(series->key, strings)))
        return series;
    }
  }
  // Adds it, or puts it in the place of the one with the same strings.
  void put(std::unique_ptr<Series> series);

 private:
  struct Array {
    explicit Array(std::size_t size) : mask(size - 1), entries(size) {}
    std::size_t mask;
    std::vector<std::atomic<Series*>> entries;
  };
  static std::atomic<Series*>& place(Array& array, const Series& series) noexcept;

  std::atomic<Array*> array_;
  std::size_t count_ = 0;
  std::vector<std::unique_ptr<Array>> arrays_;  // the last one is in use
  std::vector<std::unique_ptr<Series>> series_;
};

struct Family {
  Family(Registry& r, format::Definition d)
      : registry(r), definition(std::move(d)), bounds(definition.bounds) {}

  Registry& registry;
  const format::Definition definition;
  const Bounds bounds;
  // In the directory; 0: refused, nothing is counted. A later attempt may change that while others
  // ask, and what it names was published by the directory itself, so relaxed.
  format::Offset offset() const noexcept { return offset_.load(std::memory_order_relaxed); }
  void found_at(format::Offset offset) noexcept {
    offset_.store(offset, std::memory_order_relaxed);
  }
  SeriesTable table;
  // Why the directory has refused it last; nullptr if it never has. Set with the process's mutex held.
  const format::Error* refusal() const noexcept {
    return refusal_.load(std::memory_order_acquire);  // with refused()'s release
  }
  void refused(const format::Error& why) {
    refusals_.push_back(std::make_unique<format::Error>(why));
    refusal_.store(refusals_.back().get(), std::memory_order_release);
  }
  std::atomic<std::uint32_t> logged{0};  // a bit for each status logged for it or its series

 private:
  std::atomic<format::Offset> offset_{0};
  std::atomic<const format::Error*> refusal_{nullptr};
  std::vector<std::unique_ptr<format::Error>> refusals_;  // never freed: a reader may be anywhere
};

}  // namespace metrics::setup
