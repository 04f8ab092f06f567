// directory.h -- keeps a catalogue of a segment's directory, and goes on where it stopped: what has
// not changed is compared, and not parsed again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "libmetrics/format/geometry.h"
#include "libmetrics/reader/catalogue.h"
#include "libmetrics/reader/limits.h"
#include "libmetrics/reader/parts.h"
#include "libmetrics/reader/record_index.h"

namespace metrics::reader {

// One thread at a time may use it.
class Directory {
 public:
  // Where the directory is read.
  struct Source {
    // Copy bytes of the file; the second one reads nothing where the file has holes. They return
    // false if the bytes can't be read.
    using Copy = std::function<bool(format::Offset from, std::uint64_t bytes, void* to)>;
    Copy copy, copy_sparse;
    // The index and what follows it, to be touched only inside of read_guarded(); nullptr if that
    // is not mapped, or has holes: touching one there would take memory from the file system.
    const std::byte* mapped;
    format::Geometry geometry;
    std::uint64_t bytes;        // from the index to the end of the directory's used part
    std::uint64_t space_taken;  // by the file
    Threads threads = {};       // that may compare it
  };

  enum class Outcome { kFine, kUnreadable, kTooLate };
  // Brings the catalogue up to date. If it can't, the catalogue is as it was, or there is none.
  Outcome refresh(const Source& source, const Allowance& allowance);

  std::shared_ptr<const Catalogue> catalogue() const noexcept { return catalogue_; }
  // Returns the newest copy of index and directory; see Reader::newest_directory().
  format::Window newest(format::Offset index) const noexcept;
  // Lets the catalogue go; and all memory, too.
  void forget() noexcept;

 private:
  std::optional<Outcome> go_on(const Source& source, const Allowance& allowance);
  bool is_as_known(const Source& source) const;
  bool shows_the_same(const Source& source, const Words& copy) const;
  Outcome read_anew(const Source& source, const Allowance& allowance);
  void leave_out_unknown_links();

  std::shared_ptr<Catalogue> catalogue_;
  // What is needed to go on. The catalogue's records are then the newest copy, without links to
  // records that are not in the catalogue, so that these are found to differ.
  std::optional<RecordIndex> index_;
  std::set<format::Offset> unsettled_;  // see DirectoryChanges
  // Without an index: the copy of index and directory that the catalogue is made of.
  Words known_;
};

}  // namespace metrics::reader
