#include "tests/support/forged_segment.h"

#include <fcntl.h>
#include <unistd.h>

#include <stdexcept>

#include "libmetrics/format/file.h"
#include "libmetrics/format/ownership.h"
#include "libmetrics/format/records.h"

namespace metrics::test {
namespace {

void write_at(const format::Descriptor& fd, std::uint64_t offset, const void* from,
              std::size_t bytes) {
  const auto written = ::pwrite(fd.get(), from, bytes, static_cast<off_t>(offset));
  if (written != static_cast<ssize_t>(bytes))
    throw std::runtime_error("a forgery can't be written");
}

format::Descriptor opened(const std::string& file, int flags) {
  return format::Descriptor(::open(file.c_str(), O_RDWR | O_CLOEXEC | flags, 0600));
}

}  // namespace

ForgedSegment::ForgedSegment(const metrics_geometry& claims)
    : geometry_(format::geometry_of(claims)) {}

// Makes room for a record and links it behind the last one.
std::byte* ForgedSegment::linked(std::uint64_t bytes) {
  if (bytes > directory_left()) throw std::length_error("the directory is full");
  records_.resize((used_ + bytes) / sizeof(std::uint64_t));
  if (used_ > 0) records_[last_ / sizeof(std::uint64_t)] = geometry_.directory + used_;
  last_ = used_;
  used_ += bytes;
  return reinterpret_cast<std::byte*>(records_.data()) + last_;
}

std::uint64_t ForgedSegment::family(const format::Definition& definition) {
  constexpr std::uint64_t kOpened = format::opened_word(1, 1);
  format::write_family(linked(format::family_bytes(definition)), definition, 0, kOpened, 0);
  return geometry_.directory + last_;
}

void ForgedSegment::series(std::uint64_t family, const std::vector<std::string>& labels,
                           std::uint64_t first_cell, std::uint32_t cell_count) {
  const std::uint32_t room = format::room_for(labels);
  linked(sizeof(format::SeriesRecord) + room);
  const std::uint64_t offset = geometry_.directory + last_;
  auto* file = reinterpret_cast<std::byte*>(records_.data()) - geometry_.directory;
  format::begin_series(file, offset, room);
  auto& record = *reinterpret_cast<format::SeriesRecord*>(file + offset);
  record.first_cell = first_cell;
  record.cells_room = cell_count;
  format::fill_series(file, offset, {labels, 0, family, cell_count, 0, 0, 0, 0});
}

void ForgedSegment::write(const std::string& file) const {
  const format::Geometry& g = geometry_;
  format::Header h{};
  h.magic = format::kMagic;
  h.major = format::kMajor;
  h.minor = format::kMinor;
  h.header_bytes = sizeof h;
  h.head_bytes = g.head_bytes;
  h.first_slots = g.first_slots;
  h.lanes = g.lanes;
  h.cells_per_slot = g.cells;
  h.file_bytes = g.file_bytes;
  h.heads = g.heads;
  h.index = g.index;
  h.index_buckets = g.index_buckets;
  h.directory = g.directory;
  h.directory_bytes = g.directory_bytes;
  h.slots = g.slots;
  h.slot_bytes = g.slot_bytes;
  h.id = 1;
  h.directory_used.store(g.directory_bytes, std::memory_order_relaxed);
  h.cells_used.store(g.cells, std::memory_order_relaxed);
  h.first_slots_used.store(g.first_slots, std::memory_order_relaxed);
  h.lanes_used.store(g.lanes, std::memory_order_relaxed);
  const format::Descriptor fd = opened(file, O_CREAT | O_TRUNC);
  write_at(fd, 0, &h, sizeof h);
  if (!records_.empty()) {
    write_at(fd, g.index, &g.directory, sizeof g.directory);
    write_at(fd, g.directory, records_.data(), records_.size() * sizeof records_[0]);
  }
  if (::ftruncate(fd.get(), static_cast<off_t>(g.file_bytes)) != 0) {
    throw std::runtime_error("a forgery can't be made as large as it claims to be");
  }
}

void ForgedSegment::write_cells(const std::string& file, format::SlotIndex slot,
                                std::uint64_t first_cell,
                                std::span<const std::uint64_t> cells) const {
  write_at(opened(file, 0), geometry_.slot_offset(slot) + first_cell * sizeof(std::uint64_t),
           cells.data(), cells.size_bytes());
}

void ForgedSegment::write_owners(const std::string& file, format::SlotIndex count,
                                 std::uint64_t pid) const {
  const format::Descriptor fd = opened(file, 0);
  for (format::SlotIndex slot = 1; slot <= count; ++slot) {
    format::Head head{};
    head.pid.store(pid != 0 ? pid : 1'000'000 + slot, std::memory_order_relaxed);
    head.pid_namespace.store(format::own_pid_namespace(), std::memory_order_relaxed);
    head.generation.store(1, std::memory_order_relaxed);
    write_at(fd, geometry_.head_offset(slot), &head, sizeof head);
  }
}

}  // namespace metrics::test
