#include "libmetrics/reader/contents.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "libmetrics/format/editions.h"
#include "libmetrics/format/error.h"
#include "libmetrics/format/utf8.h"
#include "libmetrics/reader/faults.h"
#include "libmetrics/reader/seeded.h"
#include "libmetrics/reader/words.h"

namespace metrics::reader {
namespace {

using format::Kind;
using format::Record;

// Returns what is wrong with the series' labels, empty if nothing is. The label names of a series
// are its family's; those of an info stand in the series itself.
std::string labels_fault(const format::FamilyView& f, const format::SeriesView& s) {
  if (format::values_of(f.type) != format::Values::kInfo) {
    return s.strings.size() == f.labels.size() ? ""
                                               : "has another number of labels than its family";
  }
  if (s.strings.size() % 2 != 0) return "has a label name without a value";
  format::Definition d{f.type, std::string(f.name), {}, {}, {}, {}, {}};
  for (auto name = s.strings.begin(); name != s.strings.end(); ++name, ++name) {
    d.labels.emplace_back(*name);
  }
  try {
    format::checked(std::move(d));
  } catch (const format::Error& e) {
    return std::string("has bad labels: ") + e.what();
  }
  return "";
}

using Offsets = std::unordered_set<format::Offset, Seeded>;

bool good_utf8(const format::SeriesView& s) {
  return std::all_of(s.strings.begin(), s.strings.end(), format::is_valid_utf8);
}

// Returns true if a series' record was one and the same live series in both copies.
bool was_live(const Record& in_links, const Record& in_records) noexcept {
  return is_live(in_links.state.load(std::memory_order_relaxed),
                 in_records.state.load(std::memory_order_relaxed));
}

// How many chains are read ahead, or series.
constexpr std::uint64_t kAhead = 16;

// Brings what these chains lead to into the processor's cache, a record of each at a time: which
// one is the next in a chain is known only when the one before it is there.
void read_ahead(const format::Window& links, const format::Window& records,
                const format::Geometry& geometry, std::uint64_t first_chain) {
  constexpr int kMostRecords = 64;  // there may be a circle
  std::array<const format::Link*, kAhead> next{};
  for (std::uint64_t i = 0; i < kAhead && first_chain + i < geometry.index_buckets; ++i) {
    next[i] = links.at<format::Link>(geometry.index + (first_chain + i) * sizeof(format::Chain));
  }
  bool more = true;
  for (int k = 0; more && k < kMostRecords; ++k) {
    more = false;
    for (const format::Link*& link : next) {
      if (link == nullptr) continue;
      const format::Offset offset = link->load(std::memory_order_relaxed);
      const auto* record = links.at<Record>(offset);
      link = record == nullptr ? nullptr : &record->next;
      if (record == nullptr) continue;
      const auto* filled = records.at<format::SeriesRecord>(offset);
      if (filled != nullptr) {
        __builtin_prefetch(filled);
        __builtin_prefetch(&filled->strings);
      }
      more = true;
    }
  }
}

// Keeps only what is consistent in `found`: series whose families are known and whose cells lie
// inside of a slot and belong to one series alone, and no family or series twice. Leaves out the
// series of families that are unknown.
void keep_consistent(Contents& found, const Offsets& unknown, const format::Geometry& geometry,
                     std::vector<std::string>* faults, Identities& identities) {
  const auto fault = [&](format::Offset offset, const std::string& why) {
    if (faults != nullptr) add_fault(*faults, "record at " + std::to_string(offset) + ' ' + why);
    return true;
  };
  const auto by_offset = [](const auto& a, const auto& b) { return a.offset < b.offset; };
  std::sort(found.families.begin(), found.families.end(), by_offset);
  std::sort(found.idle.begin(), found.idle.end());

  std::unordered_set<std::string, Seeded> definitions;
  std::unordered_map<format::Offset, const format::FamilyView*, Seeded> families;
  std::erase_if(found.families, [&](const format::FamilyView& f) {
    if (definitions.insert(format::described(f)).second) return false;
    return fault(f.offset,
                 "has the same definition as another family \"" + std::string(f.name) + '"');
  });
  for (const format::FamilyView& f : found.families) families.emplace(f.offset, &f);

  identities.reserve(found.series.size());
  std::size_t kept = 0;
  auto family = families.end();
  for (std::size_t i = 0; i < found.series.size(); ++i) {
    format::SeriesView& s = found.series[i];
    if (i + kAhead < found.series.size()) identities.expect(found.series[i + kAhead]);
    if (unknown.contains(s.family)) continue;
    if (family == families.end() || family->first != s.family) family = families.find(s.family);
    if (family == families.end()) {
      fault(s.offset, "is a series of no family");
      continue;
    }
    if (const std::string why = fault_of(*family->second, s, geometry); !why.empty()) {
      fault(s.offset, why);
      continue;
    }
    mend_places(*family->second, s, geometry);
    if (kept != i) found.series[kept] = s;
    if (identities.insert(found.series, static_cast<std::uint32_t>(kept))) {
      ++kept;
    } else {
      fault(found.series[kept].offset, "is a second series with the same labels");
    }
  }
  found.series.erase(found.series.begin() + static_cast<std::ptrdiff_t>(kept), found.series.end());

  // Cells that two series shared would be counted twice, and a small directory could describe more
  // values than memory holds.
  std::vector<const format::SeriesView*> by_cell;
  for (const format::SeriesView& s : found.series) {
    if (s.cell_count > 0) by_cell.push_back(&s);
  }
  const auto is_before = [](const format::SeriesView* a, const format::SeriesView* b) {
    return std::pair(a->first_cell, a->offset) < std::pair(b->first_cell, b->offset);
  };
  if (!std::is_sorted(by_cell.begin(), by_cell.end(), is_before)) {
    std::sort(by_cell.begin(), by_cell.end(), is_before);
  }
  std::unordered_map<format::Offset, format::Offset, Seeded> sharing;  // with which record
  std::uint64_t end = 0;
  format::Offset owner = 0;
  for (const format::SeriesView* s : by_cell) {
    if (s->first_cell < end) {
      sharing.emplace(s->offset, owner);
    } else {
      end = s->end_cell();
      owner = s->offset;
    }
  }
  if (sharing.empty()) return;
  std::erase_if(found.series, [&](const format::SeriesView& s) {
    const auto with = sharing.find(s.offset);
    return with != sharing.end() &&
           fault(s.offset, "shares cells with the record at " + std::to_string(with->second));
  });
}

}  // namespace

bool is_live(std::uint64_t state_in_links, std::uint64_t state_in_records) noexcept {
  return format::state_of(state_in_links) == format::State::kLive &&
         state_in_records == state_in_links;
}

std::string fault_of(const format::FamilyView& f, const format::SeriesView& s,
                     const format::Geometry& geometry) {
  if (s.cell_count != f.cells || s.cell_count > geometry.cells ||
      s.first_cell > geometry.cells - s.cell_count) {
    return "has cells that its family does not have or a slot does not hold";
  }
  if (std::string why = labels_fault(f, s); !why.empty()) return why;
  return good_utf8(s) ? "" : "has a label value that is not valid UTF-8";
}

// A program of version 2.1 leaves those that a removed series had.
void mend_places(const format::FamilyView& f, format::SeriesView& s,
                 const format::Geometry& geometry) noexcept {
  if (s.places != f.places || s.end_cell() > geometry.cells) s.places = 0;
}

format::Window directory_in(const format::Window& window, const format::Geometry& geometry) {
  const format::Offset last = std::max(window.last(), geometry.directory);
  return {window.bytes(geometry.directory, last - geometry.directory).data(), geometry.directory,
          last};
}

std::optional<Contents> contents(const format::Window& links, const format::Window& records,
                                 const format::Geometry& geometry, std::vector<std::string>* faults,
                                 const std::function<bool()>& stop, Identities* identities) {
  constexpr std::uint64_t kUnasked = 4096;  // records
  constexpr std::size_t kBits = 64;
  std::uint64_t read = 0;
  Contents found;
  Offsets unknown;
  const format::Window directory = directory_in(records, geometry);
  const auto fault = [&](std::string text) {
    if (faults != nullptr) add_fault(*faults, std::move(text));
  };
  // By offset: whether a chain has come to that record. A circle, or a chain that leads into
  // another one, ends at such a record. The size is that of the copy, which limits.h bounds;
  // nothing bounds what the geometry claims.
  const std::uint64_t used = links.last() - std::min(links.last(), geometry.directory);
  std::vector<bool> seen(used / alignof(Record) + 1);
  // Likewise, a bit for each: that of a live series begins there; and how many there are.
  std::vector<std::uint64_t> live_series(seen.size() / kBits + 1);
  std::size_t count = 0;
  const bool is_one_copy =
      links.bytes(links.last(), 0).data() == records.bytes(links.last(), 0).data();
  // How many bytes of records may still be read: records that overlap could be many long ones in
  // little space. It begins at twice what was copied, so that one record with a wrong size costs no
  // other ones.
  std::uint64_t left = 2 * used;
  for (std::uint64_t i = 0; i < geometry.index_buckets; ++i) {
    if (i % kAhead == 0) read_ahead(links, directory, geometry, i);
    const auto* link = links.at<format::Link>(geometry.index + i * sizeof(format::Chain));
    while (link != nullptr) {
      const format::Offset offset =
          link->load(std::memory_order_relaxed);  // relaxed: no process writes the copy
      if (offset == 0) break;
      if (offset >= links.last() && offset < geometry.directory + geometry.directory_bytes) break;
      const auto* record = offset >= geometry.directory ? links.at<Record>(offset) : nullptr;
      if (record == nullptr) {
        fault("chain " + std::to_string(i) + " leads to " + std::to_string(offset) + ", outside");
        break;
      }
      const auto place = (offset - geometry.directory) / alignof(Record);
      if (seen[place]) {
        fault("chain " + std::to_string(i) + " leads to " + std::to_string(offset) +
              ", where a chain has been");
        break;
      }
      seen[place] = true;
      if (++read % kUnasked == 0 && stop()) return std::nullopt;
      std::string why;
      const Record& filled = *directory.at<Record>(offset);
      const bool live = filled.kind == Kind::kSeries && was_live(*record, filled);
      // Only the fixed part is read of a record whose size reaches beyond the copy.
      const bool fits = filled.bytes <= links.last() - offset;
      std::uint64_t bytes =
          fits ? std::max<std::uint64_t>(filled.bytes, sizeof(Record)) : sizeof(Record);
      // Strings may stand outside of their record, and many records might claim the same ones.
      const auto* series = directory.at<format::SeriesRecord>(offset);
      if (live && series != nullptr && !directory.bytes(series->strings, series->room).empty()) {
        bytes = std::max<std::uint64_t>(bytes, series->room);
      }
      if (bytes > left) {
        fault("chain " + std::to_string(i) + " has more bytes of records than there are");
        break;
      }
      left -= bytes;
      const auto alike = [&](format::Offset first, std::uint64_t size) {
        return is_one_copy ||
               std::ranges::equal(links.bytes(first, size), records.bytes(first, size));
      };
      const bool idle =
          filled.kind == Kind::kSeries && !(live && is_described_alike(records, offset, alike));
      if (filled.kind == Kind::kFamily) {
        if (auto f = format::family_at(directory, offset, &why)) {
          found.families.push_back(std::move(*f));
        } else if (why.empty()) {
          unknown.insert(offset);
        }
      } else if (idle) {
        // A load, and no parsing: there may be many, and their strings may be half written.
        if (series != nullptr) {
          found.idle.push_back(offset);
        } else {
          ++found.other_records;
        }
      } else if (filled.kind == Kind::kSeries) {
        live_series[place / kBits] |= std::uint64_t{1} << place % kBits;
        ++count;
      } else {
        ++found.other_records;
      }
      if (!why.empty()) fault(std::move(why));
      link = &record->next;
    }
  }
  // In the order of offsets, in which they are wanted, they are read faster, too.
  found.series.reserve(count + count / 8);  // with room for those that come next
  prefer_large_pages(found.series.data(), count * sizeof(format::SeriesView));
  for (std::size_t i = 0; i < live_series.size(); ++i) {
    for (std::uint64_t bits = live_series[i]; bits != 0; bits &= bits - 1) {
      const auto place = i * kBits + static_cast<std::size_t>(std::countr_zero(bits));
      const format::Offset offset = geometry.directory + place * alignof(Record);
      if (++read % kUnasked == 0 && stop()) return std::nullopt;
      std::string why;
      if (const auto s = format::series_at(directory, offset, &why)) found.series.push_back(*s);
      if (!why.empty()) fault(std::move(why));
    }
  }
  found.unknown_families = unknown.size();
  Identities all;
  keep_consistent(found, unknown, geometry, faults, identities != nullptr ? *identities : all);
  return found;
}

}  // namespace metrics::reader
