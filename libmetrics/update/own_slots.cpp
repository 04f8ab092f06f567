#include "libmetrics/update/own_slots.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <utility>

#include "libmetrics/format/file.h"
#include "libmetrics/format/gauge_value.h"
#include "libmetrics/update/process.h"
#include "metrics/hot.h"

namespace metrics::update {
namespace {

// The segments that this process has joined, until it ends. Set-up stores here with the process's
// mutex held. Updates read without it; they get a segment's number only after it was published.
constinit std::array<std::atomic<OwnSlots*>, METRICS_MAX_SEGMENTS> published{};

std::uint64_t pages_of(const format::Geometry& geometry) noexcept {
  return geometry.slot_bytes / format::page_bytes();
}

}  // namespace

OwnSlots* own_slots_at(std::uint32_t index) noexcept {
  // Acquire: pairs with publish()'s release.
  return index < METRICS_MAX_SEGMENTS ? published[index].load(std::memory_order_acquire) : nullptr;
}

void publish(std::uint32_t index, OwnSlots* own) noexcept {
  own->index_ = index;
  own->segment_.number(index);
  published[index].store(own, std::memory_order_release);
}

std::size_t OwnSlots::words_of_pages(const format::Geometry& geometry) noexcept {
  return (pages_of(geometry) + kPagesPerWord - 1) / kPagesPerWord;
}

OwnSlots::OwnSlots(const Segment& segment, Room room) noexcept
    : segment_(segment),
      pages_(pages_of(segment.geometry())),
      shift_to_page_(
          static_cast<unsigned>(std::countr_zero(format::page_bytes() / sizeof(format::Cell)))),
      slots_(std::move(room.slots)),
      bound_pages_(std::move(room.bound_pages)) {}

OwnSlots::~OwnSlots() {
  // Of one that was never published, only slot 0 can be mapped.
  if (format::Cell* cells = shared_cells(); cells != nullptr) segment_.unmap_slot(cells);
}

format::Cell* OwnSlots::slot(int fd, format::SlotIndex index) noexcept {
  format::Cell* cells = slots_[index].load(std::memory_order_relaxed);
  if (cells == nullptr) {
    cells = segment_.map_slot(fd, index);
    slots_[index].store(cells, std::memory_order_relaxed);
  }
  return cells;
}

// Reserves the pages, makes them writable, and then touches them, so that no update has to fault
// them in. Everything below them becomes writable too: it takes fewer mappings, and no handle leads
// there.
bool OwnSlots::reserve_run(int fd, format::SlotIndex index, std::uint64_t page,
                           std::uint64_t count) noexcept {
  const std::uint64_t offset = page * format::page_bytes();
  const std::uint64_t bytes = count * format::page_bytes();
  if (!segment_.reserve(fd, index, offset, bytes)) return false;
  if (format::Cell* cells = slots_[index].load(std::memory_order_relaxed); cells != nullptr) {
    if (!Segment::open(cells, offset + bytes)) return false;
    populate(reinterpret_cast<std::byte*>(cells) + offset, bytes);
  }
  return true;
}

// Returns true for slot 0, and for the slots that this process owns now.
bool OwnSlots::is_own(format::SlotIndex slot) const noexcept {
  if (slot == 0) return true;
  const ProcessClaim& claim = process().claims[index_];
  if (claim.state.load(std::memory_order_relaxed) != ProcessClaim::State::kOwned) return false;
  return slot == claim.owner.slot ||
         (slot > segment_.geometry().first_slots &&
          segment_.head(slot).owner.load(std::memory_order_relaxed) == claim.owner.word());
}

bool OwnSlots::clear(format::SlotIndex slot, std::uint64_t first_cell,
                     std::uint32_t count) noexcept {
  format::Cell* cells = slots_[slot].load(std::memory_order_relaxed);
  if (cells == nullptr || !is_own(slot) || !are_bound(first_cell, count)) return false;
  for (std::uint32_t i = 0; i < count; ++i) {
    cells[first_cell + i].store(0, std::memory_order_relaxed);
  }
  return true;
}

bool OwnSlots::reserve_bound(int fd, format::SlotIndex index) noexcept {
  const std::uint64_t pages = pages_of(segment_.geometry());
  const auto bound = [&](std::uint64_t page) { return is_bound(page); };
  for (std::uint64_t page = 0; page < pages; ++page) {
    if (!bound(page)) continue;
    const std::uint64_t first = page;
    while (bound(page)) ++page;
    if (!reserve_run(fd, index, first, page - first)) return false;
  }
  return true;
}

// Visits slot 0 and every slot that this process owns now. When a thread claims a slot later, it
// reserves the bound pages itself.
template <class Visit>
void OwnSlots::each_own_slot(Visit visit) const {
  visit(format::SlotIndex{0});
  const ProcessClaim& claim = process().claims[index_];
  if (claim.state.load(std::memory_order_relaxed) != ProcessClaim::State::kOwned) return;
  visit(claim.owner.slot);
  const format::Geometry& g = segment_.geometry();
  const std::uint64_t lanes = format::capped(segment_.header().lanes_used, g.lanes);
  for (std::uint64_t i = 1; i <= lanes; ++i) {
    const auto lane = static_cast<format::SlotIndex>(g.first_slots + i);
    if (is_own(lane)) visit(lane);
  }
}

bool OwnSlots::bind(std::uint64_t first_cell, std::uint32_t count) noexcept {
  if (count == 0) return true;
  const std::uint64_t first = first_cell * sizeof(format::Cell) / format::page_bytes();
  const std::uint64_t last = (first_cell + count) * sizeof(format::Cell) - 1;
  format::Descriptor fd;
  for (std::uint64_t page = first; page <= last / format::page_bytes(); ++page) {
    auto& word = bound_pages_[page / kPagesPerWord];
    const std::uint64_t bit = std::uint64_t{1} << (page % kPagesPerWord);
    if ((word.load(std::memory_order_relaxed) & bit) != 0) continue;
    if (!fd) fd = segment_.reopen();
    int error = fd ? 0 : errno;
    each_own_slot([&](format::SlotIndex slot) {
      if (error == 0 && !reserve_run(fd.get(), slot, page, 1)) error = errno;
    });
    if (error != 0) {
      fd = format::Descriptor();
      errno = error;
      return false;
    }
    word.store(word.load(std::memory_order_relaxed) | bit, std::memory_order_relaxed);
  }
  return true;
}

void OwnSlots::add(const Handles::Handle& handle, std::uint64_t born,
                   std::uint64_t place) noexcept {
  handles_.add(handle, born);
  const ProcessClaim& claim = process().claims[index_];
  if (handle.gauge != nullptr &&
      claim.state.load(std::memory_order_relaxed) == ProcessClaim::State::kOwned) {
    format::Cell* cells = slots_[claim.owner.slot].load(std::memory_order_relaxed);
    handle.gauge->begin(cells + (place >> 32), claim.owner.generation,
                        format::gauge_version(handle.live));
  }
  // Release: a thread that finds the place finds what belongs to it.
  __atomic_store_n(handle.place, place, __ATOMIC_RELEASE);
}

}  // namespace metrics::update
