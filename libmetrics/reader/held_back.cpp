#include "libmetrics/reader/held_back.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <utility>

namespace metrics::reader {
namespace {

using format::Ownership;

// A resting record that has cells.
struct Resting {
  format::Offset family;
  std::uint64_t born, holder;
  std::uint64_t date;  // of its removal
};

std::vector<Resting> resting(const Reader& reader, std::uint64_t& free) {
  std::vector<Resting> records;
  const format::Window directory = reader.newest_directory();
  for (const format::Offset offset : reader.catalogue()->contents.idle) {
    const auto* r = directory.at<format::SeriesRecord>(offset);
    if (r == nullptr) continue;
    const std::uint64_t state = r->record.state.load(std::memory_order_relaxed);
    if (format::state_of(state) != format::State::kResting) continue;
    if (r->cells_room == 0) {
      ++free;
    } else {
      records.push_back(
          {r->family, r->born, r->holder.load(std::memory_order_relaxed), format::rest_of(state)});
    }
  }
  return records;
}

// The living processes, and which of them may have handles to a series. A slot counts as owned
// unless the kernel reports that it is free.
class Processes {
 public:
  Processes(std::vector<HeadCopy> heads, std::vector<Ownership> owners)
      : heads_(std::move(heads)), owners_(std::move(owners)) {
    for (format::SlotIndex slot = 1; slot < heads_.size(); ++slot) {
      if (owners_[slot].state == Ownership::State::kFree) continue;
      living_.push_back({heads_[slot].since, {heads_[slot].ack, kNever}});
    }
    std::sort(living_.begin(), living_.end(),
              [](const Living& a, const Living& b) { return a.since > b.since; });
    for (std::size_t i = 1; i < living_.size(); ++i) {
      std::array<std::uint64_t, 3> acks{living_[i].acks[0], living_[i - 1].acks[0],
                                        living_[i - 1].acks[1]};
      std::sort(acks.begin(), acks.end());
      living_[i].acks = {acks[0], acks[1]};
    }
  }
  // Returns the slot of the record's holder if that one lives, else 0.
  format::SlotIndex living_holder(const Resting& record) const {
    const format::Owner holder = format::Owner::of_word(record.holder);
    if (holder.slot < 1 || holder.slot >= heads_.size()) return 0;
    const Ownership& owner = owners_[holder.slot];
    const bool lives =
        owner.state == Ownership::State::kUnknown ||
        (owner.state == Ownership::State::kOwned && owner.generation == holder.generation);
    return lives ? holder.slot : 0;
  }
  // Returns how many may have handles to it; 2 stands for more, too.
  std::size_t with_handles(const Resting& record) const {
    const auto end = std::partition_point(living_.begin(), living_.end(),
                                          [&](const Living& l) { return l.since >= record.born; });
    std::size_t count = 0;
    if (end != living_.begin()) {
      for (const std::uint64_t ack : std::prev(end)->acks) count += ack < record.date ? 1 : 0;
    }
    const format::SlotIndex holder = living_holder(record);
    const bool is_another = holder != 0 && !had_handles(heads_[holder], record.born, record.date);
    return count + (is_another ? 1 : 0);
  }
  // Returns the heads of those in these slots, and of those that had handles before their slot to
  // series that were born then or earlier, and removed then or later.
  std::vector<HeadCopy> listed(const std::set<format::SlotIndex>& slots, std::uint64_t born,
                               std::uint64_t date) const {
    std::vector<HeadCopy> some;
    for (format::SlotIndex slot = 1; slot < heads_.size(); ++slot) {
      const bool lives = owners_[slot].state != Ownership::State::kFree;
      if (lives && (had_handles(heads_[slot], born, date) || slots.contains(slot))) {
        some.push_back(heads_[slot]);
      }
    }
    return some;
  }

 private:
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};
  struct Living {
    std::uint64_t since;
    std::array<std::uint64_t, 2> acks;  // the two least of its own and of those before it
  };
  // The process had a handle, when it claimed its slot, to what was born and removed then, and has
  // not looked at it since.
  static bool had_handles(const HeadCopy& head, std::uint64_t born, std::uint64_t date) {
    return head.since >= born && head.ack < date;
  }

  std::vector<HeadCopy> heads_;  // by slot
  std::vector<Ownership> owners_;
  std::vector<Living> living_;  // descending by since
};

// What is known of a family's series while they are counted.
struct Counted {
  HeldBack::Family family;
  std::set<format::SlotIndex> holders;
  std::uint64_t first_born = ~std::uint64_t{0}, last_date = 0;  // of those in of_living
};

}  // namespace

HeldBack held_back(Reader& reader) {
  HeldBack held;
  const std::vector<Resting> records = resting(reader, held.free);
  if (records.empty()) return held;
  std::vector<HeadCopy> heads = reader.heads(reader.usage().first_slots_used);
  if (heads.empty()) return {};
  const Processes processes(std::move(heads), reader.owners());
  held.has_slotless = reader.has_slotless();
  const bool is_all = held.has_slotless || reuse_is_disabled(reader.usage());
  const auto& known = reader.catalogue()->contents.families;
  std::map<format::Offset, Counted> counted;  // 0: of a family that can't be read
  for (const Resting& record : records) {
    const bool of_several = record.holder == format::kManyHolders;
    const bool of_living = !of_several && processes.with_handles(record) > 1;
    if (!of_several && !of_living && !is_all) {
      ++held.free;
      continue;
    }
    const auto at = std::lower_bound(
        known.begin(), known.end(), record.family,
        [](const format::FamilyView& f, format::Offset offset) { return f.offset < offset; });
    const bool is_known = at != known.end() && at->offset == record.family;
    Counted& c = counted[is_known ? record.family : 0];
    if (is_known) c.family.name = at->name;
    ++(of_several ? c.family.of_several : of_living ? c.family.of_living : c.family.of_all);
    ++held.series;
    if (!of_living) continue;
    c.first_born = std::min(c.first_born, record.born);
    c.last_date = std::max(c.last_date, record.date);
    if (const format::SlotIndex holder = processes.living_holder(record)) c.holders.insert(holder);
  }
  for (auto& [offset, c] : counted) {
    if (c.family.of_living > 0)
      c.family.processes = processes.listed(c.holders, c.first_born, c.last_date);
    held.families.push_back(std::move(c.family));
  }
  return held;
}

}  // namespace metrics::reader
