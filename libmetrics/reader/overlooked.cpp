#include "libmetrics/reader/overlooked.h"

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <vector>

#include "libmetrics/format/layout.h"
#include "libmetrics/format/records.h"

namespace metrics::reader {
namespace {

using format::FamilyRecord;
using format::Record;
using format::SeriesRecord;

// Returns the last of the offsets that is not above this one; 0 if there is none.
template <class Offsets, class OffsetOf>
format::Offset last_before(const Offsets& all, format::Offset offset, OffsetOf offset_of) {
  const auto after =
      std::upper_bound(all.begin(), all.end(), offset,
                       [&](format::Offset o, const auto& entry) { return o < offset_of(entry); });
  return after == all.begin() ? 0 : offset_of(*std::prev(after));
}

class Comparison {
 public:
  Comparison(const format::Window& before, const format::Window& after, const Contents& contents,
             const format::Geometry& geometry)
      : before_(before), after_(after), contents_(contents), geometry_(geometry) {}

  // Returns true if a change of the word at that offset changes nothing that is shown.
  bool overlooks(format::Offset offset) {
    if (offset < geometry_.directory) {
      return (offset - geometry_.index) % sizeof(format::Chain) == offsetof(format::Chain, commit);
    }
    // Records stand apart from each other, so the one that begins last before the word is the one
    // which it may belong to.
    const auto of_view = [](const auto& view) { return view.offset; };
    const format::Offset family = last_before(contents_.families, offset, of_view);
    const format::Offset series = last_before(contents_.series, offset, of_view);
    const format::Offset idle = last_before(contents_.idle, offset, [](auto o) { return o; });
    const format::Offset begin = std::max({family, series, idle});
    if (begin == 0) return false;
    const std::uint64_t at = offset - begin;
    if (begin == family) {
      return at == offsetof(FamilyRecord, opened) || at == offsetof(FamilyRecord, refusals) ||
             at == offsetof(FamilyRecord, series_used);
    }
    const auto* record = before_.at<Record>(begin);
    if (record == nullptr || at >= record->bytes) return false;
    const bool is_fixed = at < std::max<std::uint64_t>(record->fixed, sizeof(SeriesRecord));
    if (!is_fixed) return !is_shown_text(offset);
    if (begin == series) return at == offsetof(SeriesRecord, holder);
    if (at == offsetof(Record, state)) {
      const auto* now = after_.at<Record>(begin);
      return format::state_of(now->state.load(std::memory_order_relaxed)) != format::State::kLive;
    }
    return at == offsetof(Record, hash) || at >= sizeof(Record);
  }

 private:
  // Returns true if the word may hold a part of a live series' strings, which may stand behind the
  // fixed part of any series' record.
  bool is_shown_text(format::Offset offset) {
    if (rooms_.empty()) {
      for (const format::SeriesView& s : contents_.series) {
        const auto* series = before_.at<SeriesRecord>(s.offset);
        if (!s.strings.empty()) rooms_.push_back({series->strings, series->strings + series->room});
      }
      std::sort(rooms_.begin(), rooms_.end());
    }
    const auto next = std::partition_point(rooms_.begin(), rooms_.end(),
                                           [&](const Room& room) { return room.end <= offset; });
    return next != rooms_.end() && next->begin < offset + sizeof(std::uint64_t);
  }

  struct Room {
    format::Offset begin, end;
    auto operator<=>(const Room&) const = default;
  };
  const format::Window& before_;
  const format::Window& after_;
  const Contents& contents_;
  const format::Geometry& geometry_;
  std::vector<Room> rooms_;  // ascending; made when it is needed first
};

}  // namespace

bool only_overlooked(std::span<const std::uint64_t> before, std::span<const std::uint64_t> after,
                     const Contents& contents, const format::Geometry& geometry) {
  const format::Window old_window = window_of(before, geometry.index);
  const format::Window new_window = window_of(after, geometry.index);
  Comparison comparison(old_window, new_window, contents, geometry);
  auto a = before.begin();
  auto b = after.begin();
  for (;;) {
    std::tie(a, b) = std::mismatch(a, before.end(), b);
    if (a == before.end()) return true;
    const auto word = static_cast<std::uint64_t>(a - before.begin());
    if (!comparison.overlooks(geometry.index + word * sizeof(std::uint64_t))) return false;
    ++a;
    ++b;
  }
}

}  // namespace metrics::reader
