#include "libmetrics/reader/reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "libmetrics/format/access.h"
#include "libmetrics/format/error.h"
#include "libmetrics/format/file.h"
#include "libmetrics/format/utf8.h"

namespace metrics::reader {
namespace {

constexpr std::uint64_t kNoData = ~std::uint64_t{0};

RefusalCopy copy_of(const format::Refusal& refusal) {
  std::array<std::uint64_t, std::tuple_size_v<decltype(refusal.name)>> name{};
  for (std::size_t i = 0; i < name.size(); ++i) {
    name[i] = refusal.name[i].load(std::memory_order_relaxed);
  }
  const auto* text = reinterpret_cast<const char*>(name.data());
  return {refusal.when_ns.load(std::memory_order_relaxed),
          refusal.pid.load(std::memory_order_relaxed),
          refusal.needed.load(std::memory_order_relaxed),
          format::valid_utf8({text, ::strnlen(text, sizeof name)})};
}

}  // namespace

Reader::Reader(std::string file, Access access, Admit admit)
    : file_(std::move(file)), access_(access), admit_(std::move(admit)) {}

bool Reader::fail(std::string why) {
  why_ = file_ + ' ' + std::move(why);
  return false;
}

bool Reader::open() {
  format::Descriptor fd = format::open_file(file_.c_str(), format::OpenFor::kReading);
  if (!fd) {
    const int error = errno;
    if (error == ENOENT && found_) {
      return fail("was deleted: workers that have it open count unseen until they are restarted");
    }
    return fail(format::why_unopened(file_, error));
  }
  fd_ = std::move(fd);
  found_ = true;
  directory_.forget();
  slots_ = Mapping();
  first_hole_.clear();
  return true;
}

bool Reader::copy(std::uint64_t offset, std::uint64_t bytes, void* to) {
  auto* at = static_cast<std::byte*>(to);
  while (bytes > 0) {
    const ssize_t got = ::pread(fd_.get(), at, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail("can't be read: " + format::system_text(errno));
    if (got == 0) return fail("is truncated at " + std::to_string(offset) + " bytes");
    at += got;
    offset += static_cast<std::uint64_t>(got);
    bytes -= static_cast<std::uint64_t>(got);
  }
  return true;
}

// Returns the offset of the first byte of data at or behind that offset; kNoData if there is none.
std::uint64_t Reader::next_data(std::uint64_t offset) {
  if (hole_.begin <= offset && offset <= hole_.end) return hole_.end;
  const off_t found = ::lseek(fd_.get(), static_cast<off_t>(offset), SEEK_DATA);
  // A file system that does not know where its holes are answers with another error.
  if (found < 0 && errno != ENXIO) return offset;
  hole_ = {offset, found < 0 ? kNoData : static_cast<std::uint64_t>(found)};
  return hole_.end;
}

// Returns the offset of the first hole behind that offset, at which there is data; the offset
// itself if there is no data any more.
std::uint64_t Reader::next_hole(std::uint64_t offset) const {
  const off_t found = ::lseek(fd_.get(), static_cast<off_t>(offset), SEEK_HOLE);
  if (found < 0) return errno == ENXIO ? offset : kNoData;
  return static_cast<std::uint64_t>(found);
}

// Copies, and reads nothing where the file has holes.
bool Reader::copy_sparse(std::uint64_t offset, std::uint64_t bytes, void* to) {
  const std::uint64_t end = offset + bytes;
  for (std::uint64_t at = offset; at < end;) {
    const std::uint64_t data = std::min(next_data(at), end);
    std::fill_n(static_cast<std::byte*>(to) + (at - offset), data - at, std::byte{0});
    at = data;
    if (at == end) break;
    const std::uint64_t hole = std::min(next_hole(at), end);
    const std::uint64_t until = hole > at ? hole : end;  // truncated meanwhile: copy() reports that
    if (!copy(at, until - at, static_cast<std::byte*>(to) + (at - offset))) return false;
    at = until;
  }
  struct stat now {};
  if (::fstat(fd_.get(), &now) == 0 && static_cast<std::uint64_t>(now.st_size) < end) {
    return fail("is truncated at " + std::to_string(now.st_size) + " bytes");
  }
  return true;
}

bool Reader::look() {
  Allowance own;
  return examine() && read_directory(own);
}

// Returns `fine`. If it is false, lets everything go that the file has cost: it may be any file,
// and there may be many.
bool Reader::kept(bool fine) {
  if (fine) return true;
  fd_ = format::Descriptor();
  slots_ = Mapping();
  directory_.forget();
  for (auto* words : {&cells_, &first_hole_}) {
    words->clear();
    words->shrink_to_fit();
  }
  return false;
}

bool Reader::admitted() {
  owner_ = opened_.st_uid;
  if (!S_ISREG(opened_.st_mode)) return fail("is not a regular file");
  if (!admit_) return true;
  std::string why = admit_(opened_);
  return why.empty() || fail(std::move(why));
}

bool Reader::examine() {
  struct stat named {};
  const bool same = fd_ && ::lstat(file_.c_str(), &named) == 0 &&
                    ::fstat(fd_.get(), &opened_) == 0 && named.st_dev == opened_.st_dev &&
                    named.st_ino == opened_.st_ino;
  if (!same) {
    fd_ = format::Descriptor();
    if (!open()) return kept(false);
    if (::fstat(fd_.get(), &opened_) != 0) {
      return kept(fail("can't be examined: " + format::system_text(errno)));
    }
  }
  hole_ = {};
  return kept(admitted() && read_header());
}

bool Reader::read_header() {
  format::Header header{};
  if (opened_.st_size < static_cast<off_t>(sizeof header)) {
    return fail("is not a metrics segment: it has " + std::to_string(opened_.st_size) + " bytes");
  }
  if (!copy(0, sizeof header, &header)) return false;
  const format::CheckedGeometry checked = format::check_header(
      header, static_cast<std::uint64_t>(opened_.st_size), format::OpenFor::kReading);
  if (!checked.geometry) return fail(checked.why);
  const format::Geometry& g = geometry_ = *checked.geometry;
  hash_key_ = header.hash_seed;
  usage_.created_ns = header.created_ns;
  usage_.id = header.id;
  const bool is_taken = (header.features & format::kSnapshot) != 0;
  usage_.taken_ns = is_taken ? std::max<std::uint64_t>(header.taken_ns, 1) : 0;
  usage_.minor = header.minor;
  usage_.reuses_records = (header.features & format::kReuse) != 0;
  usage_.reuses = header.reuses.load(std::memory_order_relaxed);
  usage_.unowned = header.unowned.load(std::memory_order_relaxed);
  usage_.directory_used = format::capped(header.directory_used, g.directory_bytes) / 8 * 8;
  usage_.cells_used = format::capped(header.cells_used, g.cells);
  usage_.first_slots_used =
      static_cast<format::SlotIndex>(format::capped(header.first_slots_used, g.first_slots));
  usage_.lanes_used = static_cast<format::SlotIndex>(format::capped(header.lanes_used, g.lanes));
  for (std::size_t i = 0; i < usage_.dropped.size(); ++i) {
    usage_.dropped[i] = header.dropped[i].load(std::memory_order_relaxed);
    usage_.dropped_since[i] = header.dropped_since[i].load(std::memory_order_relaxed);
    usage_.refusals[i] = copy_of(header.refusals[i]);
  }
  usage_.space_taken = format::space_taken(opened_);
  return true;
}

std::uint64_t Reader::directory_bytes() const noexcept {
  return geometry_.directory - geometry_.index + usage_.directory_used;
}

std::uint64_t Reader::head_bytes() const noexcept {
  return geometry_.head_offset(highest_used() + 1) - geometry_.heads;
}

std::uint64_t Reader::copy_bytes() const noexcept { return directory_bytes() + head_bytes(); }

bool Reader::look_at_header() {
  if (!examine()) return false;
  auto why = Allowance().take({.copy = copy_bytes()}, usage_.space_taken);
  return kept(why.empty() || fail(std::move(why)));
}

bool Reader::read_directory(Allowance& allowance) {
  if (auto why = allowance.take({.copy = copy_bytes()}, usage_.space_taken); !why.empty()) {
    return kept(fail(std::move(why)));
  }
  if (access_ == Access::kMapped && slots_.bytes() < geometry_.file_bytes) {
    slots_ = Mapping(fd_.get(), geometry_.file_bytes);
  }
  return kept(refresh_directory(allowance));
}

bool Reader::refresh_directory(const Allowance& allowance) {
  const format::Geometry& g = geometry_;
  const std::uint64_t bytes = directory_bytes();
  const auto before = directory_.catalogue();
  const bool is_mapped = slots_ && next_hole(g.index) >= g.index + bytes;
  const auto copying = [this](auto function) {
    return [=, this](format::Offset from, std::uint64_t size, void* to) {
      return (this->*function)(from, size, to);
    };
  };
  const auto outcome = directory_.refresh(
      {copying(&Reader::copy), copying(&Reader::copy_sparse),
       is_mapped ? slots_.data() + g.index : nullptr, g, bytes, usage_.space_taken, threads_},
      allowance);
  const auto now = directory_.catalogue();
  const bool goes_on = now == before || (now != nullptr && now->former == before.get());
  if (!goes_on) first_hole_.clear();  // the geometry may be another one
  if (outcome == Directory::Outcome::kTooLate) return fail(Allowance::kTooLate);
  return outcome == Directory::Outcome::kFine;
}

format::SlotIndex Reader::highest_used() const noexcept {
  return usage_.lanes_used > 0 ? geometry_.first_slots + usage_.lanes_used
                               : usage_.first_slots_used;
}

std::vector<format::SlotIndex> Reader::used_slots() const {
  return format::used_slots(geometry_, usage_.first_slots_used, usage_.lanes_used);
}

bool Reader::copy_cells(format::SlotIndex slot, std::uint64_t first, std::span<std::uint64_t> to) {
  const std::uint64_t offset = geometry_.slot_offset(slot) + first * sizeof(std::uint64_t);
  return copy(offset, to.size_bytes(), to.data());
}

// Asks the kernel only from the slot's first hole on: what was data stays data, since no process
// punches holes. Nor does it ask about a slot that lies in a hole which it has found before: what
// is reserved there since then was not counted when the caller's look() began.
void Reader::find_data(format::SlotIndex slot, std::vector<Stretch>& stretches) {
  stretches.clear();
  const std::uint64_t cells = catalogue()->cells;
  if (slot >= first_hole_.size()) first_hole_.resize(slot + std::size_t{1});
  std::uint64_t& known = first_hole_[slot];
  if (known > 0) stretches.push_back({0, std::min(known, cells), nullptr});
  const std::uint64_t start = geometry_.slot_offset(slot);
  const auto in_cells = [&](std::uint64_t offset) {
    return std::min((offset - start) / sizeof(std::uint64_t), cells);
  };
  for (std::uint64_t at = known; at < cells;) {
    const std::uint64_t data = next_data(start + at * sizeof(std::uint64_t));
    if (in_cells(data) >= cells) return;  // holes up to the end
    const std::uint64_t hole = next_hole(data);
    if (hole <= data) return;  // truncated meanwhile
    const Stretch found = {in_cells(data), in_cells(hole), nullptr};
    if (found.begin == known) known = found.end;
    if (!stretches.empty() && stretches.back().end == found.begin) {
      stretches.back().end = found.end;
    } else {
      stretches.push_back(found);
    }
    at = found.end;
  }
}

bool Reader::data_in(format::SlotIndex slot, std::vector<Stretch>& stretches) {
  if (!is_mapped()) return copy_data_in(slot, stretches);
  find_data(slot, stretches);
  const std::byte* at = slots_.data() + geometry_.slot_offset(slot);
  for (Stretch& s : stretches) s.cells = reinterpret_cast<const std::uint64_t*>(at);
  return true;
}

bool Reader::copy_data_in(format::SlotIndex slot, std::vector<Stretch>& stretches) {
  find_data(slot, stretches);
  std::uint64_t cells = 0;
  for (const Stretch& s : stretches) cells += s.end - s.begin;
  if (auto why = excess_of_data(cells * sizeof(std::uint64_t), usage_.space_taken); !why.empty()) {
    return fail(std::move(why));
  }
  cells_.resize(cells);
  std::uint64_t* to = cells_.data();
  for (Stretch& s : stretches) {
    if (!copy_cells(slot, s.begin, {to, s.end - s.begin})) return false;
    s.cells = to - s.begin;
    to += s.end - s.begin;
  }
  return true;
}

// A series that has the same live state as in the catalogue was live all the time in between. Most
// scrapes end with the first copy: nobody has used a record again meanwhile. Else the states are
// copied in pieces, which takes no memory to speak of, however large the directory is.
bool Reader::find_gone(std::vector<bool>& gone) {
  constexpr std::uint64_t kPiece = 4096;  // words
  gone.clear();
  std::uint64_t reuses = 0;
  if (!copy(offsetof(format::Header, reuses), sizeof reuses, &reuses)) return false;
  if (reuses == usage_.reuses) return true;
  const std::uint64_t end = geometry_.index + directory_bytes();
  const auto catalogue = directory_.catalogue();
  const auto& series = catalogue->contents.series;
  std::vector<std::uint64_t> piece(kPiece);
  format::Offset begin = 0, copied_to = 0;
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (!series[i].is_live()) continue;
    const format::Offset at = series[i].offset + offsetof(format::Record, state);
    if (at < begin || at >= copied_to) {
      begin = at;
      copied_to = std::min(at + kPiece * sizeof(std::uint64_t), end);
      if (!copy(begin, copied_to - begin, piece.data())) return false;
    }
    if (piece[(at - begin) / sizeof(std::uint64_t)] == series[i].state) continue;
    gone.resize(series.size());
    gone[i] = true;
  }
  return true;
}

// Returns Head::taken; 0 if it can't be read.
std::uint64_t Reader::taken_of(format::SlotIndex slot) const noexcept {
  const auto offset = geometry_.head_offset(slot) + offsetof(format::Head, taken);
  std::uint64_t taken = 0;
  const ssize_t got = ::pread(fd_.get(), &taken, sizeof taken, static_cast<off_t>(offset));
  return got == static_cast<ssize_t>(sizeof taken) ? taken : 0;
}

format::Ownership Reader::owner(format::SlotIndex first_slot) const noexcept {
  using State = format::Ownership::State;
  if (!is_snapshot()) return format::ownership(fd_.get(), first_slot);
  const std::uint64_t generation = taken_of(first_slot);
  if (generation == 0) return {State::kFree, 0};
  if (generation > format::kMaxGeneration) return {};
  return {State::kOwned, static_cast<format::Generation>(generation)};
}

std::vector<format::Ownership> Reader::owners() const {
  constexpr format::SlotIndex kAtOnce = 64;
  const format::SlotIndex end = usage_.first_slots_used + 1;
  std::vector<format::Ownership> owners(end, {format::Ownership::State::kFree, 0});
  for (format::SlotIndex slot = 1; slot < end; slot += kAtOnce) {
    const format::SlotIndex count = std::min(kAtOnce, end - slot);
    if (!is_snapshot() && format::none_is_owned(fd_.get(), slot, count)) continue;
    for (format::SlotIndex i = slot; i < slot + count; ++i) owners[i] = owner(i);
  }
  return owners;
}

std::optional<std::uint64_t> Reader::written_from(std::uint64_t offset) {
  const std::uint64_t data = next_data(offset);
  return data == kNoData ? std::nullopt : std::optional(data);
}

// Such processes share a lock on the byte behind the last first slot's range.
bool Reader::has_slotless() const noexcept {
  if (is_snapshot()) return taken_of(0) != 0;
  struct flock lock = format::lock_range(geometry_.first_slots + 1, 1, F_WRLCK);
  return ::fcntl(fd_.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

std::vector<HeadCopy> Reader::heads(format::SlotIndex first, format::SlotIndex last) {
  const std::uint64_t stride = geometry_.head_bytes;
  const std::uint64_t count = std::uint64_t{last} + 1 - first;
  std::vector<std::uint64_t> bytes(format::words(count * stride));
  if (!copy(geometry_.head_offset(first), bytes.size() * sizeof(std::uint64_t), bytes.data()))
    return {};
  std::vector<HeadCopy> heads;
  heads.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto slot = static_cast<format::SlotIndex>(first + i);
    const auto* at = reinterpret_cast<const std::byte*>(bytes.data()) + i * stride;
    const auto word = [at](std::size_t offset) {
      std::uint64_t value;
      std::memcpy(&value, at + offset, sizeof value);
      return value;
    };
    const auto* command = reinterpret_cast<const char*>(at + offsetof(format::Head, command));
    const std::uint64_t generation = word(offsetof(format::Head, generation));
    const format::DroppedBy dropped = format::dropped_by(word(offsetof(format::Head, dropped)));
    heads.push_back({slot, word(offsetof(format::Head, pid)),
                     word(offsetof(format::Head, pid_namespace)),
                     word(offsetof(format::Head, claimed_ns)),
                     std::string(command, ::strnlen(command, sizeof(format::Head::command))),
                     generation, format::Owner::of_word(word(offsetof(format::Head, owner))),
                     word(offsetof(format::Head, since)), word(offsetof(format::Head, ack)),
                     dropped.generation == generation ? dropped.count : 0});
  }
  return heads;
}

}  // namespace metrics::reader
