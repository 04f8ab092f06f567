// directory_series.cpp -- how a series gets its record: one that is there, one of a removed series,
// or a new one.
#include <atomic>
#include <cstddef>

#include "libmetrics/format/clock.h"
#include "libmetrics/format/error.h"
#include "libmetrics/format/types.h"
#include "libmetrics/setup/directory.h"
#include "libmetrics/setup/series_count.h"
#include "libmetrics/update/process.h"

namespace metrics::setup {

using format::Kind;
using format::Record;
using format::SeriesRecord;
using format::State;

namespace {

// Returns true if what a record has, cells or bytes, suits who needs that many.
bool suits(std::uint64_t room, std::uint64_t needed) noexcept {
  return needed <= room && room <= 2 * needed;
}

// Takes the record if it fits. It is looked at once more then: another process may have had it
// meanwhile, and have given back what fits no more.
template <class Fits>
Taken taken_if(Fits fits, SeriesRecord& record, Reuse& reuse) {
  if (!fits(record)) return {};
  Taken taken = reuse.take(record);
  return taken && fits(record) ? std::move(taken) : Taken();
}

// A process may be killed between any two stores of a record that it has taken, which is brought
// back then: what it says that it has must be its own.
void in_order() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }

// Gives what begins there, cells or bytes, from one record to another that has none.
void hand_on(std::uint64_t& from, std::uint32_t& from_room, std::uint64_t& to,
             std::uint32_t& to_room) noexcept {
  const std::uint32_t room = from_room;
  from_room = 0;
  in_order();
  to = from;
  in_order();
  to_room = room;
}

// Returns how many chains a registrant looks through for a record that has what it needs, before it
// takes of what is left: none while there is much; then a few, so that a new series stays cheap;
// many before it would be refused.
std::uint64_t chains_to_search(const format::Cell& used, std::uint64_t needed,
                               std::uint64_t most) noexcept {
  constexpr std::uint64_t kFew = 4, kMany = 64;
  const std::uint64_t now = used.load(std::memory_order_relaxed);
  if (now > most || needed > most - now) return kMany;
  return now > most / 2 ? kFew : 0;
}

}  // namespace

// A series that is to be registered.
struct Directory::Wanted {
  const Asked asked;
  const std::span<const std::string> strings;
  const std::uint64_t hash;
  const std::uint32_t cells;
  const std::uint32_t places;
  const std::uint32_t cells_room;  // for both
  const std::uint32_t room;        // bytes, for the strings
  const bool is_gauge;             // its cells tell one life of the record from another
  const bool is_overflow;          // the series that is not counted
};

SeriesRecord* Directory::series_at(format::Offset offset) const noexcept {
  auto* record = const_cast<SeriesRecord*>(window_.at<SeriesRecord>(offset));
  return record != nullptr && record->record.kind == Kind::kSeries ? record : nullptr;
}

format::Offset Directory::offset_of(const SeriesRecord& record) const noexcept {
  return static_cast<format::Offset>(reinterpret_cast<const std::byte*>(&record) - segment_.base());
}

std::optional<Directory::Found> Directory::series(format::Offset family,
                                                  const format::Definition& d,
                                                  std::span<const std::string> strings,
                                                  std::uint64_t hash, Reuse& reuse) const {
  const std::uint32_t cells = format::cell_count(d);
  const format::FamilyRecord& record = family_record(family);
  const Wanted wanted{{d, family},
                      strings,
                      format::series_hash(hash, family, segment_.hash_key()),
                      cells,
                      record.places,
                      format::cells_with_places(cells, record.places),
                      format::room_for(strings),
                      format::is_of_processes(d.type),
                      format::has_overflow(d.type, strings.size(), record.max_series) &&
                          format::is_overflow(strings)};
  const Live live = may_reuse() ? registered(wanted, reuse) : linked_live(wanted);
  if (live.record == nullptr) return std::nullopt;
  const format::Geometry& g = segment_.geometry();
  const std::uint64_t first = live.record->first_cell;
  // A handle has 32 bits for the cell.
  constexpr std::uint64_t kMost = std::uint64_t{1} << 32;
  const bool has_places =
      live.record->places == record.places && format::has_places_in_room(*live.record);
  const std::uint32_t all = has_places ? wanted.cells_room : cells;
  if (first > g.cells || all > g.cells - first || first + all > kMost) refuse_damaged();
  return Found{first, all, &live.record->record.state, live.state, live.record->born};
}

// Compares hashes alone: whoever needs the series itself looks at the label values then.
bool Directory::has_series(format::Offset family, std::uint64_t strings_hash) const {
  const std::uint64_t hash = format::series_hash(strings_hash, family, segment_.hash_key());
  format::Chain& chain = this->chain(hash);
  bool found = false;
  walk(&chain.first, [&](format::Offset offset, const Record& record) {
    if (__atomic_load_n(&record.hash, __ATOMIC_RELAXED) != hash || record.kind != Kind::kSeries) {
      return false;
    }
    const std::uint64_t state = record.state.load(std::memory_order_acquire);
    const auto version = static_cast<std::uint32_t>(format::rest_of(state));
    // A registration that its process was killed in is complete once somebody looks it up.
    found = format::state_of(state) == State::kLive ||
            (format::state_of(state) == State::kCommitting &&
             chain.commit.load(kOrdered) == format::word_of({version, offset}));
    return found;
  });
  return found;
}

void Directory::set_overflow(format::Offset family, const format::Cell* state) const noexcept {
  const auto* record = reinterpret_cast<const std::byte*>(state) - offsetof(Record, state);
  std::uint64_t none = 0;
  // Once: the series is never removed. Relaxed: a reader finds the record by its chain.
  family_record(family).overflow.compare_exchange_strong(
      none, static_cast<format::Offset>(record - segment_.base()), std::memory_order_relaxed,
      std::memory_order_relaxed);
}

format::Offset Directory::family_of(const format::Cell* state) const noexcept {
  const auto* record = reinterpret_cast<const std::byte*>(state) - offsetof(Record, state);
  return reinterpret_cast<const SeriesRecord*>(record)->family;
}

// In a segment of version 2.0: a record is live once it is linked, and never another series'.
Directory::Live Directory::linked_live(const Wanted& wanted) const {
  const auto same = [&](format::Offset offset) {
    return is_series(offset, wanted.asked.family, wanted.strings);
  };
  const auto make = [&] {
    const std::uint64_t bytes = sizeof(SeriesRecord) + wanted.room;
    expect_room(bytes, wanted.asked);
    const std::uint64_t first = reserve_cells(wanted.cells, wanted.asked);
    const format::Offset offset = reserve(bytes, wanted.asked);
    format::begin_series(segment_.base(), offset, wanted.room);
    SeriesRecord* record = series_at(offset);
    record->first_cell = first;
    record->cells_room = wanted.cells;
    format::fill_series(segment_.base(), offset,
                        {wanted.strings, wanted.hash, wanted.asked.family, wanted.cells, 0, 0, 0,
                         static_cast<std::uint32_t>(update::own_pid())});
    return offset;
  };
  SeriesRecord* record = series_at(find_or_link(
      wanted.hash, Kind::kSeries, wanted.asked, same, [] {}, make));
  // A removal since then has changed the state, but not the version above it.
  const std::uint64_t state = record->record.state.load(std::memory_order_relaxed);
  return {record, format::with_state(state, State::kLive)};
}

// Completes the registration that a chain's word names, unless that is done.
void Directory::complete(std::uint64_t word) const noexcept {
  const format::Committed last = format::committed(word);
  SeriesRecord* record = series_at(last.record);
  if (record == nullptr) return;
  std::uint64_t committing = format::word_of(State::kCommitting, last.version);
  record->record.state.compare_exchange_strong(
      committing, format::word_of(State::kLive, last.version), kOrdered, kOrdered);
}

// Returns the live record of that series, of which this process is a holder now. Throws Error if
// there is none and none can be made. Returns {} if there is none and the family has as many series
// as it may have.
Directory::Live Directory::registered(const Wanted& wanted, Reuse& reuse) const {
  format::Chain& chain = this->chain(wanted.hash);
  format::FamilyRecord& family = family_record(wanted.asked.family);
  Counted counted;
  Taken mine;
  for (;;) {
    std::uint64_t word = chain.commit.load(kOrdered);
    complete(word);
    Live found{};
    std::uint32_t passed = 0;
    walk(&chain.first, [&](format::Offset offset, const Record& record) {
      const std::uint64_t state = record.state.load(std::memory_order_acquire);
      if (record.kind == Kind::kSeries) {
        if (format::state_of(state) != State::kLive) return false;
        if (record.hash == wanted.hash && is_series(offset, wanted.asked.family, wanted.strings)) {
          found = {series_at(offset), state};
        }
      }
      ++passed;
      return found.record != nullptr;
    });
    if (found.record != nullptr) {
      reuse.hold(*found.record);
      // Else it was removed before anybody could know of the handle.
      if (found.record->record.state.load(kOrdered) == found.state) return found;
      continue;
    }
    if (!mine) {
      if (passed >= format::kMaxChain) refuse_chain(wanted.asked);
      if (!wanted.is_overflow && !(counted = Counted(family))) return {};
      mine = taken(wanted, reuse);
      if (!mine) mine = appended(wanted, reuse);
      continue;  // a word that was read before could name the record that was taken
    }
    const format::Committed next{format::committed(word).version + 1, offset_of(*mine)};
    mine->record.state.store(format::word_of(State::kCommitting, next.version), kOrdered);
    if (chain.commit.compare_exchange_strong(word, format::word_of(next), kOrdered, kOrdered)) {
      counted.keep();
      complete(format::word_of(next));
      return {mine.keep(), format::word_of(State::kLive, next.version)};
    }
  }
}

// Returns a record of the chain that was a removed series', filled; none if there is none that this
// process can have.
Taken Directory::taken(const Wanted& wanted, Reuse& reuse) const {
  Taken mine;
  bool is_own = false;
  const auto is_same = [&](const SeriesRecord& record) {
    return wanted.is_gauge && record.record.hash == wanted.hash &&
           has_strings(offset_of(record), wanted.asked.family, wanted.strings);
  };
  const auto fits = [&](const SeriesRecord& r) {
    return (r.cells_room == 0 || suits(r.cells_room, wanted.cells_room)) &&
           (r.room == 0 || suits(r.room, wanted.room) || wanted.room == 0);
  };
  walk(&chain(wanted.hash).first, [&](format::Offset offset, const Record& r) {
    SeriesRecord* record = series_at(offset);
    if (record == nullptr) return false;
    const std::uint64_t state = r.state.load(std::memory_order_acquire);
    if (format::state_of(state) == State::kLive) return false;
    reuse.settle(*record, state);
    if (is_same(*record)) {
      mine = reuse.take_own(*record);
      if (mine && !is_same(*record)) mine = Taken();  // another process has had it meanwhile
      is_own = static_cast<bool>(mine);
    } else {
      mine = taken_if(fits, *record, reuse);
    }
    return static_cast<bool>(mine);
  });
  if (is_own) {
    reuse.hold(*mine);
    mine->created_ns = format::now_ns();
  } else if (mine) {
    if (mine->cells_room == 0) give_cells(*mine, wanted, reuse);
    if (mine->room == 0 && wanted.room > 0) give_room(*mine, wanted, reuse);
    fill(*mine, wanted, reuse);
  }
  return mine;
}

// Returns a new record, filled and linked.
Taken Directory::appended(const Wanted& wanted, Reuse& reuse) const {
  // Before it looks for anything else: others can give cells and room, but not the record.
  expect_room(sizeof(SeriesRecord), wanted.asked);
  Taken donor;
  if (wanted.room > 0) donor = with_room(wanted, sizeof(SeriesRecord), reuse);
  const std::uint32_t room = donor ? 0 : wanted.room;
  SeriesRecord scratch{};  // has the cells until the record is there
  expect_room(sizeof(SeriesRecord) + room, wanted.asked);
  give_cells(scratch, wanted, reuse);
  const format::Offset offset = reserve(sizeof(SeriesRecord) + room, wanted.asked);
  format::begin_series(segment_.base(), offset, room);
  SeriesRecord& record = *series_at(offset);
  record.first_cell = scratch.first_cell;
  record.cells_room = scratch.cells_room;
  if (donor) hand_room(*donor, record);
  Taken mine = reuse.made(record);
  fill(record, wanted, reuse);
  format::Link* link = &chain(wanted.hash).first;
  std::uint64_t end = 0;
  do {
    link = walk(link, [](format::Offset, const Record&) { return false; });
    end = 0;
    // Release: who follows the link sees the record filled.
  } while (!link->compare_exchange_strong(end, offset, std::memory_order_release,
                                          std::memory_order_acquire));
  return mine;
}

// Looks through so many chains for a removed series' record which fits and which this process can
// have.
template <class Fits>
Taken Directory::another(std::uint64_t chains, Reuse& reuse, Fits fits) const {
  if (segment_.header().clock.load(std::memory_order_relaxed) == 0) return {};  // none was removed
  format::Cell& hand = segment_.header().hand;
  const std::uint64_t first = hand.load(std::memory_order_relaxed);
  Taken found;
  for (std::uint64_t i = 0; i < chains && !found; ++i) {
    hand.store(first + i, std::memory_order_relaxed);
    walk(&chain(first + i).first, [&](format::Offset offset, const Record& r) {
      SeriesRecord* record = series_at(offset);
      if (record == nullptr || is_live(r)) return false;
      reuse.settle(*record, r.state.load(std::memory_order_acquire));
      found = taken_if(fits, *record, reuse);
      return static_cast<bool>(found);
    });
  }
  return found;
}

// Returns a removed series' record with room for these strings, if one is found and worth it. A new
// room would take so many bytes more.
Taken Directory::with_room(const Wanted& wanted, std::uint64_t more, Reuse& reuse) const {
  const std::uint64_t all = segment_.geometry().directory_bytes;
  return another(chains_to_search(segment_.header().directory_used, wanted.room + more,
                                  all - kept_from(wanted.asked, all)),
                 reuse, [&](const SeriesRecord& r) { return suits(r.room, wanted.room); });
}

// Give a record what it lacks: of another one that has it, if much of the segment is used, else
// new. Who gives is no family's any more.
void Directory::give_cells(SeriesRecord& record, const Wanted& wanted, Reuse& reuse) const {
  const std::uint64_t all = segment_.geometry().cells;
  const Taken donor =
      another(chains_to_search(segment_.header().cells_used, wanted.cells_room,
                               all - kept_from(wanted.asked, all)),
              reuse, [&](const SeriesRecord& r) { return suits(r.cells_room, wanted.cells_room); });
  if (donor) {
    donor->family = 0;
    donor->cell_count = 0;
    donor->places = 0;
    hand_on(donor->first_cell, donor->cells_room, record.first_cell, record.cells_room);
    return;
  }
  record.first_cell = reserve_cells(wanted.cells_room, wanted.asked);
  in_order();
  record.cells_room = wanted.cells_room;
}

void Directory::give_room(SeriesRecord& record, const Wanted& wanted, Reuse& reuse) const {
  if (const Taken donor = with_room(wanted, 0, reuse)) return hand_room(*donor, record);
  record.strings = reserve(wanted.room, wanted.asked);
  in_order();
  record.room = wanted.room;
}

void Directory::hand_room(SeriesRecord& from, SeriesRecord& to) noexcept {
  from.family = 0;
  from.string_count = 0;
  hand_on(from.strings, from.room, to.strings, to.room);
}

void Directory::fill(SeriesRecord& record, const Wanted& wanted, const Reuse& reuse) const {
  const std::uint64_t born = segment_.header().clock.load(kOrdered) + 1;
  format::fill_series(
      segment_.base(), offset_of(record),
      {wanted.strings, wanted.hash, wanted.asked.family, wanted.cells, wanted.places, born,
       reuse.me().word(), static_cast<std::uint32_t>(update::own_pid())});
}

}  // namespace metrics::setup
