// reader.h -- opens a segment read-only, copies it, and checks the copy.
//
// Other processes may scribble on, truncate, replace or delete the file while it is read: then
// reading fails with the reason, and nothing else happens. What is parsed is copied and the copy
// checked; only slots may be mapped. Allocations are bounded by the space that the file occupies on
// disk.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libmetrics/format/file.h"
#include "libmetrics/format/geometry.h"
#include "libmetrics/format/ownership.h"
#include "libmetrics/reader/catalogue.h"
#include "libmetrics/reader/directory.h"
#include "libmetrics/reader/limits.h"
#include "libmetrics/reader/mapping.h"
#include "libmetrics/reader/parts.h"

namespace metrics::reader {

// The last refusal for one reason; see format::Refusal.
struct RefusalCopy {
  std::uint64_t when_ns, pid, needed;  // when_ns is 0 if there was none
  std::string family;                  // valid UTF-8
};

// The header's counters, and what the file takes, at one moment.
struct Usage {
  std::uint64_t created_ns, id;
  std::uint64_t taken_ns;  // of a snapshot: when it was taken; else 0
  std::uint32_t minor;
  bool reuses_records;    // the file has the feature; see "Removed records" in FORMAT.md
  std::uint64_t reuses;   // Header::reuses
  std::uint64_t unowned;  // Header::unowned
  std::uint64_t directory_used, cells_used;        // at most the capacity
  format::SlotIndex first_slots_used, lanes_used;  // likewise; the highest ever claimed
  std::array<std::uint64_t, format::kDropCapacity> dropped;
  std::array<std::uint64_t, format::kDropCapacity> dropped_since;  // see Header; 0: unknown
  std::array<RefusalCopy, format::kDropCapacity> refusals;
  std::uint64_t space_taken;  // bytes; less than the file's size, since that is sparse
};

// Decides whether an opened file may be read. Returns the rest of a sentence that begins with the
// file's name and says why it may not, empty if it may.
using Admit = std::function<std::string(const struct stat& opened)>;

// A head at one moment.
struct HeadCopy {
  format::SlotIndex slot;
  std::uint64_t pid, pid_namespace, claimed_ns;
  std::string command;  // at most 16 bytes, not checked
  std::uint64_t generation;
  format::Owner owner;       // of a lane
  std::uint64_t since, ack;  // of a first slot
  std::uint32_t dropped;     // likewise: how much this generation has dropped, as far as it counts
};

// How slots are read. kMapped takes less time, but needs a handler for SIGBUS: see mapping.h.
enum class Access { kCopied, kMapped };

// One thread at a time may use it.
class Reader {
 public:
  explicit Reader(std::string file, Access access = Access::kCopied, Admit admit = {});

  // From now on, a mapped directory is compared in as many threads.
  void use(Threads threads) noexcept { threads_ = threads; }

  // Looks at the file anew: opens the one that now has the name if it is another one than before,
  // and copies the header and the directory. Returns false, with why(), if no file has the name or
  // it can't be a segment; the next call tries again. What the other functions return stays as it
  // was until the next look().
  bool look();
  // The two steps of look(), for callers with several segments. The first one copies the header
  // alone. The second one copies what the allowance admits.
  bool examine();
  bool read_directory(Allowance& allowance);
  // Returns what read_directory() will copy, after an examine() that succeeded.
  std::uint64_t copy_bytes() const noexcept;

  // Copies the header alone, of a file whose space pays for a copy of directory and heads. Returns
  // false as look() does. catalogue() is then what it was; of another file, nullptr.
  bool look_at_header();

  // Closes the file, and lets go everything that it has cost.
  void close() { kept(false); }

  // Returns the user that the file belongs to, as of the last time that one could be opened;
  // nullopt before.
  std::optional<uid_t> owner_of_file() const noexcept { return owner_; }
  const std::string& why() const noexcept { return why_; }
  const std::string& file() const noexcept { return file_; }

  // The caller may use the following functions only after a look() that succeeded.
  const format::Geometry& geometry() const noexcept { return geometry_; }
  const Usage& usage() const noexcept { return usage_; }
  // Returns the segment's key. It must not be shown: see hash.h.
  const format::HashKey& hash_key() const noexcept { return hash_key_; }
  std::shared_ptr<const Catalogue> catalogue() const noexcept { return directory_.catalogue(); }

  // Returns all slots that were ever used, in the order in which doubles must be added: slot 0,
  // first slots, lanes.
  std::vector<format::SlotIndex> used_slots() const;
  // Returns true if slots are mapped.
  bool is_mapped() const noexcept { return static_cast<bool>(slots_); }
  // The cells begin..end-1 of a slot, on pages that may have been written; the first one is
  // cells[begin].
  struct Stretch {
    std::uint64_t begin, end;
    const std::uint64_t* cells;
  };
  // Finds the stretches among the slot's first catalogue()->cells cells, in ascending order. All
  // cells outside of them are 0. Asking for slots in ascending order takes time in proportion to
  // what the file holds, however many slots it has. Returns false, with why(), if the file was
  // truncated meanwhile or can't be read.
  //
  // If slots are mapped, the caller may touch the cells only inside of read_guarded(), and each
  // with one access, since its writer changes it meanwhile. Else they are a copy, valid until the
  // next call.
  bool data_in(format::SlotIndex slot, std::vector<Stretch>& stretches);
  // Does the same, and always copies.
  bool copy_data_in(format::SlotIndex slot, std::vector<Stretch>& stretches);
  // Finds the stretches likewise, but not their cells: for callers of copy_cells().
  void find_data(format::SlotIndex slot, std::vector<Stretch>& stretches);
  // Finds the catalogue's series whose records are not live any more, or live as another series',
  // so that what the caller has read of their cells since the look() may be of any series: sets
  // *gone[i] for each such contents.series[i]; leaves it empty if there is none. The caller must
  // have read the last cell before. Returns false, with why(), if the file was truncated meanwhile
  // or can't be read.
  bool find_gone(std::vector<bool>& gone);
  // Returns the newest copy of index and directory, in which the catalogue's records stand where
  // they did; those of idle ones may have changed since.
  format::Window newest_directory() const noexcept { return directory_.newest(geometry_.index); }
  // Returns the first byte of the file, from `offset` on, that may have been written: all before it
  // are 0. An empty optional: all bytes up to the file's end are 0.
  std::optional<std::uint64_t> written_from(std::uint64_t offset);
  // Copies some of the slot's cells, from `first` on; those in holes are 0, and take no memory.
  // Returns false, with why(), if the file was truncated meanwhile or can't be read.
  bool copy_cells(format::SlotIndex slot, std::uint64_t first, std::span<std::uint64_t> to);
  // Sets why() and returns false, for a caller whose read_guarded() has returned false.
  bool truncated() { return fail("is truncated"); }
  // Does the same for one whose allowance lacks what the segment costs.
  bool refused(std::string why) { return fail(std::move(why)); }

  // Returns the heads of slots 0..last. The caller must read them after the cells whose generations
  // they explain. Empty, with why(), if the file was truncated meanwhile or can't be read.
  std::vector<HeadCopy> heads(format::SlotIndex last) { return heads(0, last); }
  // The same of the slots first..last.
  std::vector<HeadCopy> heads(format::SlotIndex first, format::SlotIndex last);
  // Returns what the kernel reports about a first slot; of a snapshot, what it reported then.
  format::Ownership owner(format::SlotIndex first_slot) const noexcept;
  // Returns that of all first slots that were ever used, by slot; that of slot 0 means nothing.
  // Asks once for many slots of which none has an owner: a file may claim any number of those.
  std::vector<format::Ownership> owners() const;

  // Returns true if a living process counts in slot 0 because it has got no slot of its own.
  bool has_slotless() const noexcept;

  // Copies bytes of the file as they are. Returns false, with why(), if the file was truncated
  // meanwhile or can't be read.
  bool copy(std::uint64_t offset, std::uint64_t bytes, void* to);

 private:
  format::SlotIndex highest_used() const noexcept;
  std::uint64_t directory_bytes() const noexcept;
  std::uint64_t head_bytes() const noexcept;
  bool open();
  bool admitted();
  bool read_header();
  bool refresh_directory(const Allowance& allowance);
  bool kept(bool fine);
  bool is_snapshot() const noexcept { return usage_.taken_ns != 0; }
  std::uint64_t taken_of(format::SlotIndex slot) const noexcept;
  bool copy_sparse(std::uint64_t offset, std::uint64_t bytes, void* to);
  std::uint64_t next_data(std::uint64_t offset);
  std::uint64_t next_hole(std::uint64_t offset) const;
  bool fail(std::string why);

  const std::string file_;
  const Access access_;
  const Admit admit_;
  Threads threads_;
  std::string why_;
  format::Descriptor fd_;
  struct stat opened_ {};  // of fd_, at the last examine()
  std::optional<uid_t> owner_;
  bool found_ = false;  // once true, stays true
  format::Geometry geometry_{};
  Usage usage_{};
  format::HashKey hash_key_{};
  Directory directory_;
  std::vector<std::uint64_t> cells_;
  Mapping slots_;  // the whole file
  std::vector<std::uint64_t>
      first_hole_;  // of each slot, in cells; the kernel need not be asked again below it
  // The last stretch of the file in which the kernel has found no data, since the last look().
  struct {
    std::uint64_t begin = 0, end = 0;
  } hole_;
};

}  // namespace metrics::reader
