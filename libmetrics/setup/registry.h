// registry.h -- the families that this process has defined in a segment, and their series.
#pragma once

#include <atomic>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libmetrics/format/error.h"
#include "libmetrics/setup/directory.h"
#include "libmetrics/setup/series.h"
#include "libmetrics/update/own_slots.h"
#include "libmetrics/update/process.h"
#include "libmetrics/update/segment.h"

namespace metrics::setup {

class Registry {
 public:
  // Returns the registry of the segment in that file, which the first call in this process joins.
  // Throws Error if it can't be joined; the next call tries again. METRICS_INVALID for a geometry
  // that is against the rules; METRICS_FULL for one segment too many.
  static Registry& open(const std::string& file, const metrics_geometry& wanted);

  // Returns the registry for a segment for which open() has thrown `why`: the same one for the same
  // file, status and text. It counts nothing, and `why` is its failure().
  static Registry& nowhere(const std::string& file, const format::Error& why) noexcept;
  // Returns the one that stands for all of these where there is no memory for another one.
  static Registry& out_of_memory();

  const std::string& file() const noexcept { return file_; }
  const update::Segment* segment() const noexcept { return segment_.get(); }  // nullptr: not joined
  // Returns why open() has thrown; nullptr if it has not.
  const format::Error* failure() const noexcept { return failure_ ? &*failure_ : nullptr; }
  // Returns in which way the segment has another size than was wanted; empty if it has not.
  const std::string& difference() const noexcept { return difference_; }
  std::uint32_t index() const noexcept { return index_; }
  // Returns true exactly once, so that one caller reports the failure, or the difference.
  bool report_once() noexcept { return !reported_.exchange(true, std::memory_order_relaxed); }

  // Returns the family of the definition, which must be one that checked() has returned. Throws
  // Error with the statuses of metrics_family_of. After METRICS_CONFLICT, METRICS_FULL and
  // METRICS_INCOMPATIBLE, *refused is the family, which counts nothing; *refused has no meaning if
  // nothing was thrown.
  Family& family(format::Definition checked, Family** refused);
  // Takes one definition of the family back; see metrics_family_give_up.
  void give_up(Family& family);
  // Returns why the family is not served: the directory has refused it, or another one is served
  // instead. Empty if it is served, or the segment was not joined.
  std::optional<format::Error> status(const Family& family) const;

  // Returns true if the series of the family have places for exemplars.
  bool has_exemplars(const Family& family) const noexcept;
  // Returns a family that has none and was given an exemplar since the last call; nullptr if there
  // was none.
  Family* take_unplaced() const;

  struct Looked {
    std::optional<Handle> handle;
    enum class At { kOwn, kBeyond, kFull } at;
    std::optional<format::Error> why;  // if kFull
  };
  // Returns the handle of the series with these label values; registers it and binds it to pages if
  // it is new. If the family has as many series as it may have (kBeyond), or there is no room for
  // one more (kFull), it is the handle of the overflow series. kBeyond without a handle: the family
  // has none. Throws Error with the statuses of metrics_*_labels.
  // For these, the segment must be joined, and the family must not be refused.
  Looked series(Family& family, std::span<const std::string_view> strings);
  // Returns true if the family has as many series as it may have, and none has these label values,
  // whose strings_hash() is `hash`; counts the look-up as one that was beyond the limit. Takes no
  // lock and no memory: label values that never end must cost little. Throws
  // Error(METRICS_INCOMPATIBLE) if the directory is damaged.
  bool is_beyond_limit(const Family& family, std::span<const std::string_view> strings,
                       std::uint64_t hash) const;
  void remove(Family& family, std::span<const std::string_view> strings);
  void clear(Family& family);
  // Returns the state word of that series' record and, in *live, what it holds until the series is
  // removed; nullptr if this process has not looked it up.
  const format::Cell* state(const Family& family, std::span<const std::string_view> strings,
                            std::uint64_t& live) const noexcept;
  // Takes back one that was asked for under an interpreter's lock; see metrics_release.
  void release(Handle handle) noexcept;

 private:
  // Sets up this process's state and returns it. Throws std::bad_alloc if there is no memory for
  // it.
  static update::Process& ready_process();
  explicit Registry(std::string file) : file_(std::move(file)) {}
  static Registry* joined(const std::string& file);
  void join(const metrics_geometry& wanted);
  format::Offset registered(Family& family, std::span<const std::unique_ptr<Family>> same_stem);
  update::ProcessClaim& numbered() const;
  Reuse reuse();
  void find_limit(Family& family);
  std::optional<Handle> overflow_of(Family& family);
  void begin_look_up() noexcept;
  std::optional<Handle> add_series(Family& family, std::vector<std::string> values,
                                   std::uint64_t hash, Series* removed);
  std::optional<Directory::Found> bound(const Family& family, std::span<const std::string> values,
                                        std::uint64_t hash);
  Handle new_handle(const Family& family) noexcept;
  void lead(Series& series, const Directory::Found& found) noexcept;
  void free_forgotten() noexcept;
  void give_back_unused(Handle handle) noexcept;

  const std::string file_;
  std::uint32_t index_ = METRICS_NOWHERE;
  std::unique_ptr<update::Segment> segment_;
  std::unique_ptr<update::OwnSlots> own_slots_;
  std::optional<format::Error> failure_;
  std::string difference_;
  std::atomic<bool> reported_{false};
  Registry* older_nowhere_ = nullptr;  // see nowhere()
  std::map<std::string, std::vector<std::unique_ptr<Family>>, std::less<>> families_;  // by stem
  HandleMemory handle_memory_;
  std::uint64_t unshared_ = 0;  // see Reuse
  // What was taken out of tables, with the number of a look that came after it.
  struct Forgotten {
    std::uint64_t look = 0;
    SeriesTable::Replaced content;  // whose handles lead nowhere for good
    std::unique_ptr<Series> same;   // another one has its label values, and its handle
  };
  std::list<Forgotten> forgotten_;
};

}  // namespace metrics::setup
