#include "libmetrics/reader/reader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "libmetrics/format/error.h"
#include "libmetrics/format/file.h"
#include "libmetrics/format/utf8.h"
#include "libmetrics/reader/limits.h"
#include "libmetrics/reader/overlooked.h"

namespace metrics::reader {
namespace {

std::uint64_t words(std::uint64_t bytes) { return (bytes + 7) / 8; }

format::Window window_of(const std::vector<std::uint64_t>& copy, format::Offset first) {
  const auto* bytes = reinterpret_cast<const std::byte*>(copy.data());
  return {bytes, first, first + copy.size() * sizeof(std::uint64_t)};
}

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

Reader::Reader(std::string file, Access access) : file_(std::move(file)), access_(access) {}

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
    if (error == ENOENT) return fail("does not exist (yet): no worker has created it");
    if (const char* why = format::not_a_segment(error); why != nullptr) return fail(why);
    return fail("can't be opened: " + format::system_text(error));
  }
  fd_ = std::move(fd);
  found_ = true;
  catalogue_.reset();
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

// Returns true if the directory is byte by byte what the catalogue was made of, as it nearly always
// is. Compares in the mapping, without a copy.
bool Reader::is_as_known(std::uint64_t bytes) const {
  if (!slots_ || catalogue_ == nullptr || known_.size() != words(bytes) ||
      !(catalogue_->geometry == geometry_)) {
    return false;
  }
  bool same = false;
  return read_guarded([&] {
           same = std::memcmp(slots_.data() + geometry_.index, known_.data(), bytes) == 0;
         }) &&
         same;
}

// Returns true if what has changed since the catalogue was made changes nothing that is shown. Each
// process that starts writes such words, and must not have its reader parse everything anew.
bool Reader::shows_the_same() const {
  if (catalogue_ == nullptr || known_.size() != links_.size() ||
      !(catalogue_->geometry == geometry_) ||
      !only_overlooked(known_, links_, catalogue_->contents, geometry_)) {
    return false;
  }
  const auto& groups = catalogue_->groups;
  if (groups.size() == catalogue_->contents.families.size() &&
      std::none_of(groups.begin(), groups.end(), [](const auto& g) { return g.hidden_by; })) {
    return true;
  }
  std::vector<format::FamilyView> families = catalogue_->contents.families;
  const format::Window now = window_of(links_, geometry_.index);
  for (format::FamilyView& f : families) {
    f.opened = now.at<format::FamilyRecord>(f.offset)->opened.load(std::memory_order_relaxed);
  }
  return format::grouped(families) == groups;
}

bool Reader::look() {
  struct stat named {};
  struct stat opened {};
  const bool same = fd_ && ::lstat(file_.c_str(), &named) == 0 &&
                    ::fstat(fd_.get(), &opened) == 0 && named.st_dev == opened.st_dev &&
                    named.st_ino == opened.st_ino;
  if (!same) {
    fd_ = format::Descriptor();
    if (!open()) return false;
    if (::fstat(fd_.get(), &opened) != 0)
      return fail("can't be examined: " + format::system_text(errno));
  }
  if (!S_ISREG(opened.st_mode)) return fail("is not a regular file");
  format::Header header{};
  if (opened.st_size < static_cast<off_t>(sizeof header)) {
    return fail("is not a metrics segment: it has " + std::to_string(opened.st_size) + " bytes");
  }
  if (!copy(0, sizeof header, &header)) return false;
  const format::CheckedGeometry checked = format::check_header(
      header, static_cast<std::uint64_t>(opened.st_size), format::OpenFor::kReading);
  if (!checked.geometry) return fail(checked.why);
  const format::Geometry& g = geometry_ = *checked.geometry;
  if (access_ == Access::kMapped && slots_.bytes() < g.file_bytes) {
    slots_ = Mapping(fd_.get(), g.file_bytes);
  }
  usage_.created_ns = header.created_ns;
  usage_.id = header.id;
  usage_.minor = header.minor;
  usage_.directory_used = format::capped(header.directory_used, g.directory_bytes) / 8 * 8;
  usage_.cells_used = format::capped(header.cells_used, g.cells);
  usage_.first_slots_used =
      static_cast<format::SlotIndex>(format::capped(header.first_slots_used, g.first_slots));
  usage_.lanes_used = static_cast<format::SlotIndex>(format::capped(header.lanes_used, g.lanes));
  for (std::size_t i = 0; i < usage_.dropped.size(); ++i) {
    usage_.dropped[i] = header.dropped[i].load(std::memory_order_relaxed);
    usage_.refusals[i] = copy_of(header.refusals[i]);
  }
  const std::uint64_t taken = usage_.space_taken = format::space_taken(opened);
  const std::uint64_t bytes = g.directory - g.index + usage_.directory_used;
  const std::uint64_t heads = g.head_offset(highest_used() + 1) - g.heads;
  if (auto why = excess_of_copy(std::max(bytes, heads), taken); !why.empty()) {
    return fail(std::move(why));
  }
  if (is_as_known(bytes)) return true;
  links_.resize(words(bytes));
  if (!copy(g.index, bytes, links_.data())) return false;
  if (shows_the_same()) {
    std::swap(known_, links_);
    return true;
  }
  first_hole_.clear();  // the geometry may be another one
  auto fresh = std::make_shared<Catalogue>();
  fresh->records.resize(links_.size());
  if (!copy(g.index, bytes, fresh->records.data())) return false;
  fresh->geometry = g;
  fresh->contents =
      contents(window_of(links_, g.index), window_of(fresh->records, g.index), g, &fresh->faults);
  fresh->groups = format::grouped(fresh->contents.families);
  for (const format::SeriesView& s : fresh->contents.series) {
    if (s.is_live()) fresh->cells = std::max(fresh->cells, s.first_cell + s.cell_count);
  }
  const std::uint64_t slots = 1 + std::uint64_t{usage_.first_slots_used} + usage_.lanes_used;
  if (auto why = excess_of_slots(slots, fresh->cells, taken); !why.empty()) {
    return fail(std::move(why));
  }
  if (auto why = excess_of_text(fresh->contents, fresh->groups, taken); !why.empty())
    return fail(std::move(why));
  std::swap(known_, links_);
  catalogue_ = std::move(fresh);
  return true;
}

format::SlotIndex Reader::highest_used() const noexcept {
  return usage_.lanes_used > 0 ? geometry_.first_slots + usage_.lanes_used
                               : usage_.first_slots_used;
}

std::vector<format::SlotIndex> Reader::used_slots() const {
  return format::used_slots(geometry_, usage_.first_slots_used, usage_.lanes_used);
}

bool Reader::read_cells(format::SlotIndex slot, std::span<const std::uint64_t>& cells) {
  cells_.resize(catalogue_->cells);
  cells = cells_;
  return copy(geometry_.slot_offset(slot), cells_.size() * sizeof(std::uint64_t), cells_.data());
}

const std::uint64_t* Reader::mapped_cells(format::SlotIndex slot) const noexcept {
  return reinterpret_cast<const std::uint64_t*>(slots_.data() + geometry_.slot_offset(slot));
}

bool Reader::copy_cells(format::SlotIndex slot, std::uint64_t first, std::span<std::uint64_t> to) {
  const std::uint64_t offset = geometry_.slot_offset(slot) + first * sizeof(std::uint64_t);
  return copy(offset, to.size_bytes(), to.data());
}

// Asks the kernel only from the first hole on: what was data stays data, since no process punches
// holes.
void Reader::data_in(format::SlotIndex slot, std::vector<Stretch>& stretches) {
  const std::uint64_t cells = catalogue_->cells;
  if (slot >= first_hole_.size()) first_hole_.resize(slot + std::size_t{1});
  std::uint64_t& known = first_hole_[slot];
  if (known >= cells) {
    stretches.push_back({0, cells});
    return;
  }
  const auto start = static_cast<off_t>(geometry_.slot_offset(slot));
  const auto in_cells = [&](off_t offset) {
    return std::min(static_cast<std::uint64_t>(offset - start) / sizeof(std::uint64_t), cells);
  };
  std::uint64_t at = known;
  if (at > 0) stretches.push_back({0, at});
  while (at < cells) {
    const off_t here = start + static_cast<off_t>(at * sizeof(std::uint64_t));
    const off_t data = ::lseek(fd_.get(), here, SEEK_DATA);
    if (data < 0 || in_cells(data) >= cells) return;  // holes up to the end
    const off_t hole = ::lseek(fd_.get(), data, SEEK_HOLE);
    if (hole <= data) return;  // truncated meanwhile
    const Stretch found = {in_cells(data), in_cells(hole)};
    if (found.begin == known) known = found.end;
    if (!stretches.empty() && stretches.back().end == found.begin) {
      stretches.back().end = found.end;
    } else {
      stretches.push_back(found);
    }
    at = found.end;
  }
}

std::vector<HeadCopy> Reader::heads(format::SlotIndex last) {
  const std::uint64_t stride = geometry_.head_bytes;
  std::vector<std::uint64_t> bytes(words((std::uint64_t{last} + 1) * stride));
  if (!copy(geometry_.heads, bytes.size() * sizeof(std::uint64_t), bytes.data())) return {};
  std::vector<HeadCopy> heads;
  heads.reserve(last + 1);
  for (format::SlotIndex slot = 0; slot <= last; ++slot) {
    const auto* at = reinterpret_cast<const std::byte*>(bytes.data()) + slot * stride;
    const auto word = [at](std::size_t offset) {
      std::uint64_t value;
      std::memcpy(&value, at + offset, sizeof value);
      return value;
    };
    const auto* command = reinterpret_cast<const char*>(at + offsetof(format::Head, command));
    heads.push_back({slot, word(offsetof(format::Head, pid)),
                     word(offsetof(format::Head, pid_namespace)),
                     word(offsetof(format::Head, claimed_ns)),
                     std::string(command, ::strnlen(command, sizeof(format::Head::command))),
                     word(offsetof(format::Head, generation)),
                     format::Owner::of_word(word(offsetof(format::Head, owner)))});
  }
  return heads;
}

}  // namespace metrics::reader
