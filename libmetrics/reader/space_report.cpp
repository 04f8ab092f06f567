#include "libmetrics/reader/space_report.h"

#include <algorithm>
#include <unordered_map>

#include "libmetrics/reader/seeded.h"

namespace metrics::reader {
namespace {

// For each cell, in how many slots it lies on a page that the file has: their sum up to there.
std::vector<std::uint64_t> pages_of_cells(Reader& reader, std::uint64_t cells) {
  std::vector<std::uint64_t> change(cells + 1), sum(cells + 1);
  std::vector<Reader::Stretch> stretches;
  for (const format::SlotIndex slot : reader.used_slots()) {
    reader.find_data(slot, stretches);
    for (const Reader::Stretch& s : stretches) {
      ++change[std::min(s.begin, cells)];
      --change[std::min(s.end, cells)];  // unsigned: comes out right once all are added
    }
  }
  std::uint64_t slots = 0;
  for (std::uint64_t cell = 0; cell < cells; ++cell) {
    slots += change[cell];
    sum[cell + 1] = sum[cell] + slots;
  }
  return sum;
}

void add_holder(std::uint64_t word, FamilySpace& space) {
  if (word == format::kManyHolders) {
    space.by_several = true;
    return;
  }
  const format::Owner owner = format::Owner::of_word(word);
  auto& by = space.looked_up_by;
  if (word != 0 && std::find(by.begin(), by.end(), owner) == by.end()) by.push_back(owner);
}

// Counts the series that each process has registered.
class Registrants {
 public:
  // `space` is the report with that index.
  void add(std::uint32_t pid, std::size_t index, FamilySpace& space) {
    if (pid == 0) return;
    static_assert(format::kMostPid < 1u << 24);
    const auto [at, is_new] =
        places_.emplace(std::uint64_t{index} << 24 | pid, space.registered_by.size());
    if (is_new) space.registered_by.push_back({pid, 0});
    ++space.registered_by[at->second].series;
  }

 private:
  std::unordered_map<std::uint64_t, std::size_t, Seeded> places_;
};

}  // namespace

std::vector<FamilySpace> space_report(Reader& reader) {
  const Contents& contents = reader.catalogue()->contents;
  const format::Window directory = reader.newest_directory();
  const std::uint64_t cells = reader.catalogue()->cells;
  const std::vector<std::uint64_t> pages = pages_of_cells(reader, cells);
  std::vector<FamilySpace> spaces;
  std::unordered_map<format::Offset, std::size_t, Seeded> by_offset;
  const auto bytes_of = [&](format::Offset record) -> std::uint64_t {
    const auto* r = directory.at<format::Record>(record);
    return r == nullptr ? 0 : r->bytes;
  };
  for (const format::FamilyView& f : contents.families) {
    by_offset.emplace(f.offset, spaces.size());
    spaces.push_back({.family = &f, .directory_bytes = bytes_of(f.offset)});
  }
  const std::size_t nobodys = spaces.size();
  Registrants registrants;
  spaces.push_back({.family = nullptr});
  const auto add = [&](format::Offset offset, format::Offset family, bool is_live) {
    const auto* r = directory.at<format::SeriesRecord>(offset);
    if (r == nullptr) return;
    const auto there = by_offset.find(family);
    const std::size_t index = there == by_offset.end() ? nobodys : there->second;
    FamilySpace& space = spaces[index];
    ++(is_live ? space.live : space.removed);
    space.cells += r->cells_room;
    space.directory_bytes += r->record.bytes;
    const std::uint64_t first = std::min(r->first_cell, cells);
    const std::uint64_t end = std::min(first + r->cells_room, cells);
    space.slot_bytes += (pages[end] - pages[first]) * sizeof(std::uint64_t);
    if (!is_live) return;
    add_holder(r->holder.load(std::memory_order_relaxed), space);
    registrants.add(format::registrant_of(r->registrant, r->created_ns), index, space);
  };
  for (const format::SeriesView& s : contents.series) add(s.offset, s.family, true);
  for (const format::Offset idle : contents.idle) {
    const auto* r = directory.at<format::SeriesRecord>(idle);
    if (r != nullptr) add(idle, r->family, false);
  }
  if (spaces[nobodys].removed == 0) spaces.pop_back();
  return spaces;
}

}  // namespace metrics::reader
