#include "libmetrics/setup/registry.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <new>

#include "libmetrics/format/editions.h"
#include "libmetrics/format/error.h"
#include "libmetrics/format/file.h"
#include "libmetrics/format/name.h"
#include "libmetrics/setup/creation.h"
#include "libmetrics/setup/join.h"
#include "libmetrics/update/claims.h"
#include "libmetrics/update/locked.h"
#include "libmetrics/update/process.h"

namespace metrics::setup {
namespace {

// The registries of the segments that this process has joined. They live until the process ends.
// Guarded by the process's mutex.
std::array<Registry*, METRICS_MAX_SEGMENTS> registries{};

// Returns where the next registry belongs, which is to be of that file. Throws Error(METRICS_FULL)
// if there is no room for it. The caller must hold the mutex.
Registry*& free_place(const std::string& file) {
  const auto place = std::find(registries.begin(), registries.end(), nullptr);
  if (place != registries.end()) return *place;
  throw format::Error(METRICS_FULL, "can't join " + file + ": one process can join " +
                                        std::to_string(METRICS_MAX_SEGMENTS) + " segments");
}

}  // namespace

update::Process& Registry::ready_process() {
  if (!update::set_up_process()) throw std::bad_alloc();
  return update::process();
}

Registry& Registry::open(const std::string& file, const metrics_geometry& wanted) {
  completed(wanted);  // throws if the geometry is against the rules
  update::Process& p = ready_process();
  {
    const update::Locked lock(p.mutex);
    if (Registry* there = joined(file); there != nullptr) return *there;
    free_place(file);  // throws before a file is created that the process can't join
  }
  // Without the mutex: a file may take seconds to create, and meanwhile every first update of a
  // thread, and every fork(), would wait.
  auto registry = std::unique_ptr<Registry>(new Registry(file));
  registry->join(wanted);
  const update::Locked lock(p.mutex);
  if (Registry* there = joined(file); there != nullptr) return *there;  // another thread was first
  Registry*& place = free_place(file);
  registry->index_ = static_cast<std::uint32_t>(&place - registries.data());
  registry->numbered();
  publish(registry->index_, registry->own_slots_.get());
  place = registry.release();  // never freed, since threads may write until the process ends
  return *place;
}

// Returns the registry of that file, if the process has joined it. The caller must hold the mutex.
Registry* Registry::joined(const std::string& file) {
  for (Registry* registry : registries) {
    if (registry == nullptr || registry->file_ != file) continue;
    registry->numbered();
    return registry;
  }
  return nullptr;
}

Registry& Registry::out_of_memory() {
  static Registry* const registry = [] {
    auto* made = new Registry("(no segment)");
    made->failure_ = format::Error(METRICS_NO_SPACE, "out of memory");
    return made;
  }();
  return *registry;
}

namespace {

// Made when the library is loaded: later there may be no memory for it, and a child that is forked
// meanwhile would wait forever.
[[maybe_unused]] const Registry& made_early = Registry::out_of_memory();

}  // namespace

Registry& Registry::nowhere(const std::string& file, const format::Error& why) noexcept {
  // The newest of these registries; each points to the one before. None is ever removed, since
  // another thread may be walking the list.
  static constinit std::atomic<Registry*> newest{nullptr};
  // Acquire: pairs with the release below, after which a registry does not change.
  for (Registry* r = newest.load(std::memory_order_acquire); r != nullptr; r = r->older_nowhere_) {
    if (r->file_ == file && *r->failure_ == why) return *r;
  }
  try {
    auto made = std::unique_ptr<Registry>(new Registry(file));
    made->failure_ = why;
    Registry* registry = made.release();  // never freed, like those that were joined
    registry->older_nowhere_ = newest.load(std::memory_order_relaxed);
    while (!newest.compare_exchange_weak(registry->older_nowhere_, registry,
                                         std::memory_order_release, std::memory_order_relaxed)) {
    }
    return *registry;
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  }
}

void Registry::join(const metrics_geometry& wanted) {
  segment_ = metrics::setup::join(file_, wanted);
  const format::Geometry& g = segment_->geometry();
  difference_ = metrics::setup::difference(wanted, g, file_);
  update::OwnSlots::Room room;
  room.slots = std::make_unique<std::atomic<format::Cell*>[]>(g.slot_count());
  room.bound_pages =
      std::make_unique<std::atomic<std::uint64_t>[]>(update::OwnSlots::words_of_pages(g));
  own_slots_ = std::make_unique<update::OwnSlots>(*segment_, std::move(room));
  const format::Descriptor fd = segment_->reopen();
  if (!fd || own_slots_->slot(fd.get(), 0) == nullptr) fail_joined(errno, "can't map " + file_);
}

// Returns this process's claim, numbered. The caller must hold the mutex, and the segment must be
// joined.
update::ProcessClaim& Registry::numbered() const {
  update::enter(update::process());
  update::ProcessClaim& claim = update::process().claims[index_];
  update::number_process(*segment_, claim);
  return claim;
}

// Registers the family, which this process defines now, and opens its edition. The first definition
// of a family in a process opens it; later ones only if all before were given up. Throws Error.
format::Offset Registry::registered(Family& family,
                                    std::span<const std::unique_ptr<Family>> same_stem) {
  update::ProcessClaim& claim = numbered();
  const bool is_open = family.definers > 0 && family.opened_by == claim.start;
  if (is_open && family.offset() != 0) {
    ++family.definers;
    return family.offset();
  }
  const format::Definition& d = family.definition;
  for (const auto& other : same_stem) {
    const format::Definition& o = other->definition;
    if (other->definers > 0 && format::collide(o.type, o.name, d.type, d.name)) {
      Directory(*segment_).refused(format::Drop::kFamilyConflict, d, 0);
      throw format::Error(METRICS_CONFLICT, format::described(d) + " conflicts with the " +
                                                format::described(o) +
                                                " of this process: they share a sample name, so "
                                                "that only one can be served; rename one");
    }
  }
  const std::uint64_t opened = format::opened_word(claim.start, ++claim.definitions);
  const format::Offset offset = Directory(*segment_).family(d, opened);
  family.opened_by = claim.start;
  ++family.definers;
  return offset;
}

Family& Registry::family(format::Definition d, Family** refused) {
  const update::Locked lock(ready_process().mutex);
  auto& same_stem = families_[std::string(format::stem(d.name))];
  const auto known = std::find_if(same_stem.begin(), same_stem.end(), [&](const auto& f) {
    const format::Definition& k = f->definition;
    return k.type == d.type && k.name == d.name && k.labels == d.labels && k.bounds == d.bounds &&
           k.native == d.native && k.mode == d.mode && k.unit == d.unit && k.states == d.states;
  });
  const bool is_new = known == same_stem.end();
  Family& family = is_new ? *same_stem.emplace_back(std::make_unique<Family>(
                                *this, std::move(d),
                                segment_ == nullptr ? format::HashKey{} : segment_->hash_key()))
                          : **known;
  if (segment_ != nullptr) {
    *refused = &family;
    try {
      const format::Offset before = family.offset();
      family.found_at(registered(family, same_stem));
      try {
        find_limit(family);
      } catch (...) {  // look-ups must not find a family whose limit they don't know
        family.found_at(before);
        throw;
      }
    } catch (const format::Error& e) {
      if (const auto* before = family.refusal(); before == nullptr || *before != e) {
        family.refused(e);
      }
      throw;
    }
  }
  return family;
}

void Registry::give_up(Family& family) {
  const update::Locked lock(ready_process().mutex);
  if (family.definers > 0) --family.definers;
}

bool Registry::has_exemplars(const Family& family) const noexcept {
  return segment_ != nullptr && family.offset() != 0 &&
         Directory(*segment_).family_record(family.offset()).places != 0;
}

Family* Registry::take_unplaced() const {
  if (own_slots_ == nullptr || own_slots_->unplaced.load(std::memory_order_relaxed) == nullptr) {
    return nullptr;
  }
  const format::Cell* state = own_slots_->unplaced.exchange(nullptr, std::memory_order_relaxed);
  if (state == nullptr) return nullptr;  // another thread was first
  const format::Offset offset = Directory(*segment_).family_of(state);
  const update::Locked lock(update::process().mutex);
  for (const auto& [stem, families] : families_) {
    for (const auto& family : families) {
      if (family->offset() == offset && offset != 0) return family.get();
    }
  }
  return nullptr;
}

std::optional<format::Error> Registry::status(const Family& family) const {
  if (segment_ == nullptr) return std::nullopt;
  if (family.offset() == 0) {
    const format::Error* why = family.refusal();
    return why == nullptr ? std::nullopt : std::optional(*why);
  }
  const format::Definition& d = family.definition;
  const auto other = Directory(*segment_).served_instead(d, family.offset());
  if (!other) return std::nullopt;
  return format::Error(METRICS_CONFLICT,
                       format::described(d) + " is counted but not served: the " + *other + " in " +
                           file_ +
                           " shares a sample name with it, and the process that has defined that "
                           "started later; rename one");
}

}  // namespace metrics::setup
