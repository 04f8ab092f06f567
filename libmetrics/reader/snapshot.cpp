#include "libmetrics/reader/snapshot.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <vector>

#include "libmetrics/format/clock.h"
#include "libmetrics/format/error.h"
#include "libmetrics/format/file.h"
#include "libmetrics/format/layout.h"
#include "libmetrics/reader/reader.h"

namespace metrics::reader {
namespace {

// The copy as it grows: a file without a name.
class Copy {
 public:
  explicit Copy(std::string file) : file_(std::move(file)) {}
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  ~Copy() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }

  bool create(std::uint64_t bytes) {
    if (::access(file_.c_str(), F_OK) == 0) return exists();
    const std::size_t slash = file_.rfind('/');
    const std::string directory = slash == std::string::npos ? "." : file_.substr(0, slash + 1);
    fd_ = format::Descriptor(
        ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (!fd_) {
      std::string name = file_ + ".XXXXXX";
      fd_ = format::Descriptor(::mkostemp(name.data(), O_CLOEXEC));
      if (!fd_) return fail("can't be created");
      temporary_ = std::move(name);
    }
    return ::ftruncate(fd_.get(), static_cast<off_t>(bytes)) == 0 || fail("can't be that large");
  }
  bool write(std::uint64_t offset, const void* from, std::uint64_t bytes) {
    const auto* at = static_cast<const std::byte*>(from);
    while (bytes > 0) {
      const ssize_t put = ::pwrite(fd_.get(), at, bytes, static_cast<off_t>(offset));
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) return fail("can't be written");
      at += put;
      offset += static_cast<std::uint64_t>(put);
      bytes -= static_cast<std::uint64_t>(put);
    }
    return true;
  }
  // Gives the file its name.
  bool publish() {
    const std::string self =
        temporary_.empty() ? "/proc/self/fd/" + std::to_string(fd_.get()) : temporary_;
    if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, file_.c_str(), AT_SYMLINK_FOLLOW) == 0) {
      return true;
    }
    return errno == EEXIST ? exists() : fail("can't be created");
  }
  const std::string& why() const { return why_; }

 private:
  bool exists() {
    why_ = file_ + " exists already; remove it, or choose another name";
    return false;
  }
  bool fail(const char* what) {
    why_ = file_ + ' ' + what + ": " + format::system_text(errno);
    return false;
  }
  const std::string file_;
  std::string temporary_, why_;
  format::Descriptor fd_;
};

// The bytes of index and directory that the copy gets: the reader's second copy of records, with
// the links of its first one, in which all that is linked was complete before the second began.
class DirectoryCopy {
 public:
  explicit DirectoryCopy(const Reader& reader)
      : reader_(reader),
        geometry_(reader.geometry()),
        links_(reader.newest_directory()),
        words_(reader.catalogue()->records) {
    for (std::uint64_t i = 0; i < geometry_.index_buckets; ++i) take_chain(i);
  }
  // Removes the series that were not live all the time, so that what was copied of their cells may
  // be another one's.
  void remove_all_but_live(const std::vector<bool>& gone) {
    const Contents& contents = reader_.catalogue()->contents;
    for (const format::Offset idle : contents.idle) remove(idle);
    for (std::size_t i = 0; i < gone.size(); ++i) {
      if (gone[i]) remove(contents.series[i].offset);
    }
  }
  const Words& words() const { return words_; }

 private:
  std::uint64_t* word_at(format::Offset offset) {
    const std::uint64_t index = (offset - geometry_.index) / sizeof(std::uint64_t);
    const bool inside = offset >= geometry_.index && offset % sizeof(std::uint64_t) == 0;
    return inside && index < words_.size() ? &words_[index] : nullptr;
  }
  std::uint64_t link_at(format::Offset offset) const {
    const auto* link = links_.at<format::Link>(offset);
    return link == nullptr ? 0 : link->load(std::memory_order_relaxed);
  }
  void take_chain(std::uint64_t i) {
    format::Offset at = geometry_.index + i * sizeof(format::Chain);
    // A damaged chain may be a circle.
    for (std::uint32_t steps = 0; steps <= format::kMaxChain; ++steps) {
      std::uint64_t* const link = word_at(at);
      if (link == nullptr) return;
      *link = link_at(at);
      if (*link == 0) return;
      at = *link + offsetof(format::Record, next);
    }
  }
  void remove(format::Offset record) {
    std::uint64_t* const state = word_at(record + offsetof(format::Record, state));
    if (state == nullptr || format::state_of(*state) == format::State::kResting) return;
    *state = format::with_state(*state, format::State::kRemoved);
  }

  const Reader& reader_;
  const format::Geometry geometry_;
  const format::Window links_;
  Words words_;
};

bool copy_slots(Reader& reader, Copy& copy, const Progress& progress) {
  const auto slots = reader.used_slots();
  std::vector<Reader::Stretch> stretches;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (progress) progress(i, slots.size());
    if (!reader.copy_data_in(slots[i], stretches)) return false;
    for (const Reader::Stretch& s : stretches) {
      const std::uint64_t offset =
          reader.geometry().slot_offset(slots[i]) + s.begin * sizeof(std::uint64_t);
      if (!copy.write(offset, s.cells + s.begin, (s.end - s.begin) * sizeof(std::uint64_t))) {
        return false;
      }
    }
  }
  return true;
}

// Copies the heads of the slots that were ever used, each with the generation that owns it.
bool copy_heads(Reader& reader, Copy& copy) {
  const format::Geometry& g = reader.geometry();
  const auto slots = reader.used_slots();
  const std::vector<format::Ownership> owners = reader.owners();
  Words head(g.head_bytes / sizeof(std::uint64_t));
  for (const format::SlotIndex slot : slots) {
    if (!reader.copy(g.head_offset(slot), g.head_bytes, head.data())) return false;
    std::uint64_t& taken = head[offsetof(format::Head, taken) / sizeof(std::uint64_t)];
    taken = 0;
    if (slot == 0) {
      taken = reader.has_slotless() ? 1 : 0;
    } else if (slot < owners.size() && owners[slot].state == format::Ownership::State::kOwned) {
      taken = owners[slot].generation;
    }
    if (!copy.write(g.head_offset(slot), head.data(), g.head_bytes)) return false;
  }
  return true;
}

// Writes the header as of the look, so that it fits what was copied since.
bool write_header(const Reader& reader, Words header, std::uint64_t taken_ns, Copy& copy) {
  const auto word = [&](std::size_t offset) -> std::uint64_t& {
    return header[offset / sizeof(std::uint64_t)];
  };
  const Usage& usage = reader.usage();
  word(offsetof(format::Header, directory_used)) = usage.directory_used;
  word(offsetof(format::Header, cells_used)) = usage.cells_used;
  word(offsetof(format::Header, first_slots_used)) = usage.first_slots_used;
  word(offsetof(format::Header, lanes_used)) = usage.lanes_used;
  word(offsetof(format::Header, reuses)) = usage.reuses;
  word(offsetof(format::Header, taken_ns)) = taken_ns;
  constexpr std::uint64_t kBoth = std::uint64_t{format::kSnapshot} << 32 | format::kSnapshot;
  static_assert(offsetof(format::Header, writer_features) ==
                offsetof(format::Header, features) + sizeof(std::uint32_t));
  word(offsetof(format::Header, features)) |= kBoth;
  return copy.write(0, header.data(), sizeof(format::Header));
}

}  // namespace

std::string take_snapshot(const std::string& file, const std::string& to,
                          const Progress& progress) {
  Reader reader(file);  // a new one, so that its copies of the directory are, too
  if (!reader.look()) return reader.why();
  const std::uint64_t taken_ns =
      reader.usage().taken_ns != 0 ? reader.usage().taken_ns : format::now_ns();
  const format::Geometry& g = reader.geometry();
  Words header(sizeof(format::Header) / sizeof(std::uint64_t));
  Copy copy(to);
  const auto why = [&] { return copy.why().empty() ? reader.why() : copy.why(); };
  if (!reader.copy(0, sizeof(format::Header), header.data()) || !copy.create(g.file_bytes)) {
    return why();
  }
  std::vector<bool> gone;
  // The heads explain generations in the cells, so they are read after them, and cells belong to
  // series that were live until they were read.
  if (!copy_slots(reader, copy, progress) || !reader.find_gone(gone) || !copy_heads(reader, copy)) {
    return why();
  }
  DirectoryCopy directory(reader);
  directory.remove_all_but_live(gone);
  const Words& words = directory.words();
  if (!copy.write(g.index, words.data(), words.size() * sizeof(std::uint64_t)) ||
      !write_header(reader, std::move(header), taken_ns, copy) || !copy.publish()) {
    return why();
  }
  return {};
}

}  // namespace metrics::reader
