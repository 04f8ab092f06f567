#include "libmetrics/setup/registry.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "libmetrics/update/threads.h"

namespace metrics::core {
namespace {

// Which segments this process has joined, for good. Guarded by the process's mutex; the pointers are read
// without it by updates, which hold an index only after it was published.
std::array<std::atomic<Writer*>, METRICS_MAX_SEGMENTS> writers{};

constexpr std::uint64_t kPagesPerWord = 64;

}  // namespace

Writer* writer_at(std::uint32_t index) noexcept {
  // Acquire: with open's release.
  return index < METRICS_MAX_SEGMENTS ? writers[index].load(std::memory_order_acquire) : nullptr;
}

Writer& Writer::open(const std::string& path, const metrics_geometry& wanted) {
  const std::string file = segment_file(path);
  completed(wanted);  // refuses what is against the rules
  Process& p = process();
  watch_thread_ends();
  const Locked lock(p);
  for (std::uint32_t i = 0; i < METRICS_MAX_SEGMENTS; ++i) {
    Writer* there = writers[i].load(std::memory_order_relaxed);
    if (there == nullptr) {
      auto writer = std::unique_ptr<Writer>(new Writer(file, i));
      try {
        writer->join(wanted);
      } catch (const Error& e) {
        writer->segment_.reset();
        writer->failure_ = e;
      }
      there =
          writer.release();  // lives until the process ends, as threads may write to its very end
      writers[i].store(there, std::memory_order_release);
      return *there;
    }
    if (there->file_ == file) return *there;
  }
  throw Error(METRICS_FULL, "can't join " + file + ": one process can join " +
                                std::to_string(METRICS_MAX_SEGMENTS) + " segments");
}

Writer& Writer::nowhere(const Error& why) {
  auto* writer =
      new Writer("(no segment)", METRICS_NOWHERE);  // lives as long as those that were joined
  writer->failure_ = why;
  return *writer;
}

Writer::Writer(std::string file, std::uint32_t index) : file_(std::move(file)), index_(index) {}

void Writer::join(const metrics_geometry& wanted) {
  segment_ = Segment::join(file_, wanted);
  const Geometry& g = segment_->geometry();
  const std::uint64_t pages = g.slot_bytes / page_bytes();
  bound_pages_ =
      std::vector<std::atomic<std::uint64_t>>((pages + kPagesPerWord - 1) / kPagesPerWord);
  slots_ = std::make_unique<std::atomic<layout::Cell*>[]>(g.slot_count());
  const Descriptor fd = segment_->reopen();
  if (!fd || slot(fd.get(), 0) == nullptr) {
    const int error = errno;
    throw Error(status_of(error),
                "can't map " + file_ + ": " + std::generic_category().message(error));
  }
}

Family& Writer::family(Definition given, Family** refused) {
  Definition d = checked(std::move(given));
  const Locked lock(process());
  auto& same_name = families_[{d.type, d.name}];
  const auto known = std::find_if(same_name.begin(), same_name.end(), [&](const auto& f) {
    const Definition& k = f->definition;
    return k.labels == d.labels && k.bounds == d.bounds && k.mode == d.mode && k.unit == d.unit;
  });
  const bool is_new = known == same_name.end();
  Family& family =
      is_new ? *same_name.emplace_back(std::make_unique<Family>(*this, std::move(d))) : **known;
  if (family.offset() == 0 && segment_ != nullptr) {
    *refused = &family;
    family.found_at(Directory(*segment_).family(family.definition));
  }
  return family;
}

namespace {

std::vector<std::string> valid(std::span<const std::string_view> strings) {
  std::vector<std::string> result;
  for (const std::string_view s : strings) result.push_back(valid_utf8(s));
  return result;
}

}  // namespace

Series& Writer::series(Family& family, std::span<const std::string_view> strings) {
  const std::uint64_t hash = strings_hash(strings);
  Series* known = family.table.find(hash, strings);
  if (known != nullptr && !known->is_removed()) return *known;
  std::vector<std::string> values = valid(strings);
  if (!std::equal(values.begin(), values.end(), strings.begin(), strings.end())) {
    // Two spellings that are repaired alike are one series: it must be one object, for a gauge's own value is there.
    const std::vector<std::string_view> repaired(values.begin(), values.end());
    return series(family, repaired);
  }
  const Locked lock(process());
  known = family.table.find(hash, strings);  // another thread may have been first
  if (known != nullptr && !known->is_removed()) return *known;
  auto made = make_series(family, std::move(values), hash);
  Series& series = *made;
  family.table.put(std::move(made));
  return series;
}

std::unique_ptr<Series> Writer::make_series(Family& family, std::vector<std::string> values,
                                            std::uint64_t hash) {
  for (const std::string& value : values) {
    if (value.size() > layout::kMaxStringBytes) {
      throw Error(METRICS_INVALID, "a label value of family \"" + family.definition.name +
                                       "\" has " + std::to_string(value.size()) +
                                       " bytes; at most " +
                                       std::to_string(layout::kMaxStringBytes) + " fit");
    }
  }
  const Definition& d = family.definition;
  const Directory::Found found = Directory(*segment_).series(family.offset(), d, values, hash);
  const auto bound_count = family.bounds.count();
  bind(found.first_cell, layout::cell_count(d.type, bound_count));
  auto series = std::make_unique<Series>();
  series->hash = hash;
  series->key = key_of(std::vector<std::string_view>(values.begin(), values.end()));
  series->removed = found.removed;
  const auto cell = static_cast<std::uint32_t>(found.first_cell);
  switch (d.type) {
    case Type::kCounter:
      series->hot = metrics_counter{index_, cell};
      break;
    case Type::kHistogram:
    case Type::kSummary:
      series->hot = metrics_histogram{index_,
                                      cell,
                                      layout::histogram_sum(bound_count),
                                      family.bounds.padded(),
                                      family.bounds.data(),
                                      family.bounds.search().observe,
                                      family.bounds.search().find};
      break;
    case Type::kGauge: {
      Gauge& gauge = series->hot.emplace<Gauge>(index_, found.first_cell, d.mode);
      const ProcessClaim& claim = process().claims[index_];
      if (claim.state.load(std::memory_order_relaxed) == ProcessClaim::State::kOwned) {
        gauge.begin(slots_[claim.owner.slot].load(std::memory_order_relaxed),
                    claim.owner.generation);
      }
      gauge.next = gauges_.load(std::memory_order_relaxed);
      // Release: a child forked in any way walks a list that is whole.
      gauges_.store(&gauge, std::memory_order_release);
      break;
    }
    case Type::kInfo:
      break;
  }
  return series;
}

void Writer::remove(Family& family, std::span<const std::string_view> strings) {
  const std::vector<std::string> values = valid(strings);
  const Locked lock(process());
  Directory(*segment_).remove(family.offset(), values, strings_hash(values));
}

void Writer::clear(Family& family) {
  const Locked lock(process());
  Directory(*segment_).remove_all(family.offset());
}

layout::Cell* Writer::slot(int fd, SlotIndex index) noexcept {
  layout::Cell* cells = slots_[index].load(std::memory_order_relaxed);
  if (cells == nullptr) {
    cells = segment_->map_slot(fd, index);
    slots_[index].store(cells, std::memory_order_relaxed);
  }
  return cells;
}

// Reserves, and then touches, so that no update has to fault the pages in.
bool Writer::reserve_run(int fd, SlotIndex index, std::uint64_t page,
                         std::uint64_t count) noexcept {
  const std::uint64_t offset = page * page_bytes();
  const std::uint64_t bytes = count * page_bytes();
  if (!segment_->reserve(fd, index, offset, bytes)) return false;
  if (layout::Cell* cells = slots_[index].load(std::memory_order_relaxed); cells != nullptr) {
    populate(reinterpret_cast<std::byte*>(cells) + offset, bytes);
  }
  return true;
}

bool Writer::reserve_bound(int fd, SlotIndex index) noexcept {
  const std::uint64_t pages = segment_->geometry().slot_bytes / page_bytes();
  const auto bound = [&](std::uint64_t page) {
    return page < pages && (bound_pages_[page / kPagesPerWord].load(std::memory_order_relaxed) >>
                                (page % kPagesPerWord) &
                            1) != 0;
  };
  for (std::uint64_t page = 0; page < pages; ++page) {
    if (!bound(page)) continue;
    const std::uint64_t first = page;
    while (bound(page)) ++page;
    if (!reserve_run(fd, index, first, page - first)) return false;
  }
  return true;
}

// Slot 0 and every slot that this process owns now. Those that its threads claim later reserve for themselves.
template <class Visit>
void Writer::each_own_slot(Visit visit) const {
  visit(SlotIndex{0});
  const ProcessClaim& claim = process().claims[index_];
  if (claim.state.load(std::memory_order_relaxed) != ProcessClaim::State::kOwned) return;
  visit(claim.owner.slot);
  const Geometry& g = segment_->geometry();
  const std::uint64_t lanes = std::min<std::uint64_t>(
      segment_->header().lanes_used.load(std::memory_order_relaxed), g.lanes);
  for (std::uint64_t i = 1; i <= lanes; ++i) {
    const auto lane = static_cast<SlotIndex>(g.first_slots + i);
    if (segment_->head(lane).owner.load(std::memory_order_relaxed) == claim.owner.word())
      visit(lane);
  }
}

void Writer::bind(std::uint64_t first_cell, std::uint32_t count) {
  if (count == 0) return;
  const std::uint64_t first = first_cell * sizeof(layout::Cell) / page_bytes();
  const std::uint64_t last = (first_cell + count) * sizeof(layout::Cell) - 1;
  Descriptor fd;
  for (std::uint64_t page = first; page <= last / page_bytes(); ++page) {
    auto& word = bound_pages_[page / kPagesPerWord];
    const std::uint64_t bit = std::uint64_t{1} << (page % kPagesPerWord);
    if ((word.load(std::memory_order_relaxed) & bit) != 0) continue;
    int error = 0;
    if (!fd) fd = segment_->reopen();
    if (!fd) error = errno;
    each_own_slot([&](SlotIndex slot) {
      if (error == 0 && !reserve_run(fd.get(), slot, page, 1)) error = errno;
    });
    if (error != 0) {
      segment_->drop(layout::Drop::kSeriesNoSpace);
      throw Error(status_of(error), "can't reserve memory for a series in " + file_ + ": " +
                                        std::generic_category().message(error));
    }
    word.store(word.load(std::memory_order_relaxed) | bit, std::memory_order_relaxed);
  }
}

void Writer::begin_gauges(layout::Cell* cells, Generation generation) noexcept {
  // Acquire: with make_series' release, which may have been another thread's before a raw clone().
  for (Gauge* g = gauges_.load(std::memory_order_acquire); g != nullptr; g = g->next) {
    g->begin(cells, generation);
  }
}

}  // namespace metrics::core
