// series.h -- a family and its series in this process, found by label values; handles point to
// them.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
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
#include "libmetrics/update/handles.h"
#include "metrics/hot.h"

namespace metrics::setup {

class Registry;

// Returns the label values in one string: for each one its size, as 4 bytes, and its bytes.
std::string key_of(std::span<const std::string_view> strings);

// Returns true if key is key_of(strings). It must be made of as many strings, as all keys of a
// table are.
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

// Memory for handles, in pieces of 64 bytes, which live as long as the process: a program may keep
// any handle. Those that nobody can have any more are handed out again.
using Handle = std::variant<update::Counter*, update::Histogram*, update::Gauge*>;
class HandleMemory {
 public:
  // Makes sure that the next take() needs no memory. Throws std::bad_alloc.
  void make_room();
  void* take() noexcept;
  void give_back(Handle handle) noexcept;

 private:
  struct alignas(64) Piece {
    Piece* next;
    std::array<std::byte, 56> rest;
  };
  static_assert(sizeof(Piece) == 64);
  static constexpr std::size_t kAtOnce = 64;
  std::vector<std::unique_ptr<std::array<Piece, kAtOnce>>> pieces_;
  Piece* free_ = nullptr;
};
update::Users& users_of(Handle handle) noexcept;

// A table's entry. It does not change once it is in the table, except for `index`.
struct Series {
  std::uint64_t hash;
  std::string key;            // key_of() the label values, valid UTF-8
  const format::Cell* state;  // in the directory; holds `live` until any process has removed it
  std::uint64_t live;
  Handle handle;
  std::uint32_t index = update::Handles::kNone;  // see update::Handles

  bool is_removed() const noexcept { return state->load(std::memory_order_relaxed) != live; }
  bool leads_nowhere() const noexcept { return index == update::Handles::kNone; }
};

// Finds series by label values. Finding takes no lock and sees every entry that was added before.
// Adding is for one thread at a time. What is taken out may still be read by another thread, until
// all have been seen outside of look-ups (update/process.h).
class SeriesTable {
 private:
  struct Array {
    explicit Array(std::size_t size) : mask(size - 1), entries(size) {}
    std::size_t mask;
    std::vector<std::atomic<Series*>> entries;
  };

 public:
  // What was taken out.
  struct Replaced {
    std::unique_ptr<Array> array;
    std::vector<std::unique_ptr<Series>> series;
    bool empty() const noexcept { return array == nullptr && series.empty(); }
  };
  SeriesTable();
  SeriesTable(const SeriesTable&) = delete;
  SeriesTable& operator=(const SeriesTable&) = delete;
  ~SeriesTable();

  // Returns nullptr if there is no such series. A removed series stays until it is replaced.
  // Inline, for programs that call labels() at every request.
  [[gnu::always_inline]] Series* find(std::uint64_t hash,
                                      std::span<const std::string_view> strings) const noexcept {
    const Array& array = *array_.load(std::memory_order_acquire);  // pairs with put's release
    for (std::size_t i = hash & array.mask;; i = (i + 1) & array.mask) {
      Series* series =
          array.entries[i].load(std::memory_order_acquire);  // pairs with put's release too
      if (series == nullptr || (series->hash == hash && is_key(series->key, strings)))
        return series;
    }
  }
  // Calls visit(series) for all, the removed ones that are still there included. For the thread
  // that adds.
  template <class Visit>
  void each(Visit visit) const {
    for (const auto& entry : array_.load(std::memory_order_relaxed)->entries) {
      if (Series* s = entry.load(std::memory_order_relaxed); s != nullptr) visit(*s);
    }
  }
  // Makes room for one more series, so that the next put() needs no memory. If most of the series
  // in a full table are removed ones, it takes these out instead of growing.
  Replaced make_room();
  // Adds the series. Returns the one with the same strings that it replaces; nullptr if there was
  // none. There must be room for it.
  std::unique_ptr<Series> put(std::unique_ptr<Series> series) noexcept;

 private:
  static std::atomic<Series*>& place(Array& array, const Series& series) noexcept;

  std::atomic<Array*> array_;
  std::size_t count_ = 0;
};

// The limit of a family's series.
struct Limit {
  const format::FamilyRecord& record;
  std::optional<Handle> overflow;  // of the series that counts beyond it, if there is one
  std::string text;                // for who looks up one beyond it
};

struct Family {
  Family(Registry& r, format::Definition d, const format::HashKey& k)
      : registry(r),
        definition(std::move(d)),
        bounds(definition.bounds, definition.native),
        hash_key(k) {}

  Registry& registry;
  const format::Definition definition;
  const Bounds bounds;
  // The segment's, for `table` too: a label value is hashed once for both. Who can read it in the
  // file could do worse to the file.
  const format::HashKey hash_key;
  // Returns the family's offset in the directory; 0 if it was refused or its segment was not
  // joined, so that nothing is counted. A later attempt may set it while other threads read it.
  // Relaxed: the directory itself has published the record.
  format::Offset offset() const noexcept { return offset_.load(std::memory_order_relaxed); }
  void found_at(format::Offset offset) noexcept {
    offset_.store(offset, std::memory_order_relaxed);
  }
  SeriesTable table;
  // Returns why the directory has refused the family last; nullptr if it never has. Set with the
  // process's mutex held.
  const format::Error* refusal() const noexcept {
    return refusal_.load(std::memory_order_acquire);  // pairs with refused()'s release
  }
  void refused(const format::Error& why) {
    refusals_.push_back(std::make_unique<format::Error>(why));
    refusal_.store(refusals_.back().get(), std::memory_order_release);
  }
  // Returns the family's limit; nullptr if it has none. Set with the process's mutex held.
  const Limit* limit() const noexcept {
    return limit_.load(std::memory_order_acquire);  // pairs with set_limit()'s release
  }
  void set_limit(Limit limit) {
    limits_.push_back(std::make_unique<Limit>(std::move(limit)));
    limit_.store(limits_.back().get(), std::memory_order_release);
  }
  std::atomic<std::uint32_t> logged{0};  // a bit for each thing logged for it or its series
  std::atomic<bool> has_cut{false};      // a label value of a look-up was cut; see label_values.h

  // How many definitions of it this process, or its parent before the fork, has made and not given
  // up; and the number of the process that has opened it last. Guarded by the process's mutex.
  std::uint32_t definers = 0;
  std::uint64_t opened_by = 0;

 private:
  std::atomic<format::Offset> offset_{0};
  std::atomic<const format::Error*> refusal_{nullptr};
  std::vector<std::unique_ptr<format::Error>> refusals_;  // never freed: a caller may keep any
  std::atomic<const Limit*> limit_{nullptr};
  std::vector<std::unique_ptr<Limit>> limits_;  // likewise
};

}  // namespace metrics::setup
