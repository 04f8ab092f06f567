#include "libmetrics/reader/merge.h"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>

#include "libmetrics/update/gauges.h"

namespace metrics::aggregator {
namespace {

using core::Ownership;
using layout::Mode;

std::uint64_t own_pid_namespace() {
  struct stat info {};
  return ::stat("/proc/self/ns/pid", &info) == 0 ? info.st_ino : 0;
}

// Cells of several slots, that many at a time: what is added to is loaded and stored once for all of them. Doubles are
// added one by one in the order of slots. Each cell is loaded once: a vector of them is as whole as its elements, which
// are aligned, so that a writer in another process is seen before or after each update.
constexpr std::size_t kTogether = 4;

using Cells [[gnu::vector_size(32), gnu::aligned(8), gnu::may_alias]] = std::uint64_t;
constexpr std::uint32_t kLanes = sizeof(Cells) / sizeof(std::uint64_t);

void add_double(std::uint64_t& sum, std::uint64_t amount) {
  sum = std::bit_cast<std::uint64_t>(std::bit_cast<double>(sum) + std::bit_cast<double>(amount));
}

template <std::size_t kSlots>
[[gnu::always_inline]] inline void add_run(std::uint64_t* to, const std::uint64_t* const* slots,
                                           std::uint64_t first, std::uint32_t whole) {
  std::uint32_t k = 0;
  for (; k + kLanes <= whole; k += kLanes) {
    Cells sum = *reinterpret_cast<Cells*>(to + k);
    for (std::size_t i = 0; i < kSlots; ++i) {
      sum += *reinterpret_cast<const Cells*>(slots[i] + first + k);
    }
    *reinterpret_cast<Cells*>(to + k) = sum;
  }
  for (; k < whole; ++k) {
    for (std::size_t i = 0; i < kSlots; ++i) to[k] += slots[i][first + k];
  }
  for (std::size_t i = 0; i < kSlots; ++i) add_double(to[whole], slots[i][first + whole]);
}

// Adds the sums begin..end-1 of `count` slots, 1 or kTogether of them.
template <class Sum>
[[gnu::always_inline]] inline void add_all(const Sum* begin, const Sum* end, std::uint64_t* values,
                                           const std::uint64_t* const* slots, std::size_t count) {
  if (count == kTogether) {
    for (; begin != end; ++begin) {
      add_run<kTogether>(values + begin->first_value, slots, begin->first_cell, begin->whole);
    }
  } else {
    for (; begin != end; ++begin) {
      add_run<1>(values + begin->first_value, slots, begin->first_cell, begin->whole);
    }
  }
}

template <class Sum>
using AddAll = void (*)(const Sum*, const Sum*, std::uint64_t*, const std::uint64_t* const*,
                        std::size_t);

template <class Sum>
void add_anywhere(const Sum* begin, const Sum* end, std::uint64_t* values,
                  const std::uint64_t* const* slots, std::size_t count) {
  add_all(begin, end, values, slots, count);
}

#if defined(__x86_64__)
template <class Sum>
[[gnu::target("avx2")]] void add_avx2(const Sum* begin, const Sum* end, std::uint64_t* values,
                                      const std::uint64_t* const* slots, std::size_t count) {
  add_all(begin, end, values, slots, count);
}
#endif

// The quickest that this CPU has.
template <class Sum>
AddAll<Sum> add_quickly() {
#if defined(__x86_64__)
  static const bool has_avx2 = __builtin_cpu_supports("avx2");
  if (has_avx2) return &add_avx2<Sum>;
#endif
  return &add_anywhere<Sum>;
}

}  // namespace

std::uint64_t new_shape() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

SegmentMerge::SegmentMerge(std::string file, core::Access access)
    : reader_(std::move(file), access), pid_namespace_(own_pid_namespace()) {}

bool SegmentMerge::read() {
  if (reader_.look()) return read_slots(reader_.used_slots());
  forget();
  return false;
}

bool SegmentMerge::read_slot(core::SlotIndex slot) {
  if (reader_.look()) return read_slots({&slot, 1});
  forget();
  return false;
}

void SegmentMerge::forget() {
  planned_.reset();
  if (families_.shape != 0 && families_.families.empty()) return;
  families_ = Families{};
  families_.shape = new_shape();
}

bool SegmentMerge::read_slots(std::span<const core::SlotIndex> slots) {
  plan();
  if (add_slots(slots) && merge_gauges()) return true;
  forget();
  return false;
}

// What is to be added where: new only when the directory has changed.
void SegmentMerge::plan() {
  const auto catalogue = reader_.catalogue();
  if (planned_ != nullptr && planned_->shape == catalogue->shape) return;
  planned_ = catalogue;
  sums_.clear();
  gauges_.clear();
  sum_values_ = 0;
  std::unordered_map<core::Offset, const core::FamilyView*> families;
  for (const auto& f : catalogue->contents.families) families.emplace(f.offset, &f);
  const auto& series = catalogue->contents.series;
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (series[i].removed) continue;
    const core::FamilyView& f = *families.at(series[i].family);
    if (f.type == Type::kGauge) {
      gauges_.push_back({i, series[i].first_cell, f.mode});
    } else if (series[i].cell_count > 0) {
      sums_.push_back({series[i].first_cell, sum_values_, series[i].cell_count - 1});
      sum_values_ += series[i].cell_count;
    }
  }
  by_cell_ = sums_;
  std::sort(by_cell_.begin(), by_cell_.end(),
            [](const Sum& a, const Sum& b) { return a.first_cell < b.first_cell; });
  gauge_cells_.resize(gauges_.size() * layout::kGaugeCells);
  last_samples_.clear();
  families_.shape = 0;  // to be rebuilt
}

bool SegmentMerge::add_slots(std::span<const core::SlotIndex> slots) {
  auto& values = families_.values;
  values.resize(std::max(values.size(), sum_values_));
  std::fill_n(values.begin(), sum_values_, 0);
  held_.clear();
  if (reader_.is_mapped()) return add_mapped(slots);
  const auto add = add_quickly<Sum>();
  for (const core::SlotIndex slot : slots) {
    std::span<const std::uint64_t> cells;
    if (!reader_.read_cells(slot, cells)) return false;
    const std::uint64_t* const at = cells.data();
    add(by_cell_.data(), by_cell_.data() + by_cell_.size(), values.data(), &at, 1);
    if (slot < 1 || slot > reader_.geometry().first_slots) continue;
    for (std::size_t i = 0; i < gauges_.size(); ++i) {
      std::copy_n(at + gauges_[i].first_cell, layout::kGaugeCells,
                  gauge_cells_.data() + i * layout::kGaugeCells);
    }
    hold(slot, gauge_cells_.data());
  }
  return true;
}

// The same without a copy, and without touching pages that nobody has written: that would take memory. A series that
// reaches into one is copied instead, as a hole is no news: where the kernel can't populate what is reserved
// (MADV_POPULATE_WRITE, Linux 5.14), a counter's page with the fraction may be one for ever.
bool SegmentMerge::add_mapped(std::span<const core::SlotIndex> slots) {
  pieces_.clear();
  straddling_.clear();
  for (const core::SlotIndex slot : slots) {
    const std::uint64_t* cells = reader_.mapped_cells(slot);
    stretches_.clear();
    reader_.data_in(slot, stretches_);
    const auto piece = [&](const std::uint64_t* where, auto begin, auto end) {
      pieces_.push_back({where, static_cast<std::size_t>(begin - by_cell_.begin()),
                         static_cast<std::size_t>(end - by_cell_.begin())});
    };
    const auto copied = [&](auto sum) {
      const std::size_t at = straddling_.size();
      straddling_.resize(at + sum->whole + 1);
      piece(nullptr, sum, sum + 1);
      return reader_.copy_cells(slot, sum->first_cell, std::span(straddling_).subspan(at));
    };
    auto sum = by_cell_.begin();
    for (const auto& stretch : stretches_) {
      sum = std::lower_bound(sum, by_cell_.end(), stretch.begin,
                             [](const Sum& s, std::uint64_t cell) { return s.end_cell() <= cell; });
      if (sum != by_cell_.end() && sum->first_cell < stretch.begin && !copied(sum++)) return false;
      const auto end =
          std::lower_bound(sum, by_cell_.end(), stretch.end,
                           [](const Sum& s, std::uint64_t cell) { return s.end_cell() <= cell; });
      if (sum != end) piece(cells, sum, end);
      sum = end;
      if (sum != by_cell_.end() && sum->first_cell < stretch.end && !copied(sum++)) return false;
    }
    if (gauges_.empty() || slot < 1 || slot > reader_.geometry().first_slots) continue;
    if (!read_gauges(slot)) return false;
    hold(slot, gauge_cells_.data());
  }
  std::uint64_t* copy = straddling_.data();
  for (Piece& p : pieces_) {
    if (p.cells != nullptr) continue;
    const Sum& sum = by_cell_[p.begin];
    p.cells = copy - sum.first_cell;
    copy += sum.whole + 1;
  }
  const auto add = add_quickly<Sum>();
  const bool read = core::guarded([&] {
    const Piece* piece = pieces_.data();
    const Piece* const end = piece + pieces_.size();
    std::uint64_t* const values = families_.values.data();
    while (piece != end) {
      const std::uint64_t* cells[kTogether];
      std::size_t count = 0;
      for (; count < kTogether && piece + count != end && piece[count].begin == piece->begin &&
             piece[count].end == piece->end;
           ++count) {
        cells[count] = piece[count].cells;
      }
      if (count < kTogether) count = 1;
      add(by_cell_.data() + piece->begin, by_cell_.data() + piece->end, values, cells, count);
      piece += count;
    }
  });
  return read || reader_.truncated();
}

// Of a slot whose stretches are known.
bool SegmentMerge::read_gauges(core::SlotIndex slot) {
  const std::uint64_t* cells = reader_.mapped_cells(slot);
  std::fill(gauge_cells_.begin(), gauge_cells_.end(), 0);
  bool copied = true;
  const bool read = core::guarded([&] {
    for (const auto& stretch : stretches_) {
      for (std::size_t i = 0; i < gauges_.size(); ++i) {
        const std::uint64_t first = gauges_[i].first_cell;
        const std::uint64_t end = first + layout::kGaugeCells;
        std::uint64_t* to = gauge_cells_.data() + i * layout::kGaugeCells;
        if (end <= stretch.begin || first >= stretch.end) continue;
        if (first < stretch.begin || end > stretch.end) {
          copied = copied && reader_.copy_cells(slot, first, {to, layout::kGaugeCells});
          continue;
        }
        // Upwards. Acquire: with Gauge::begin's release, so that a generation's values are its own.
        for (std::uint32_t k = 0; k < layout::kGaugeCells; ++k) {
          to[k] = __atomic_load_n(cells + first + k, __ATOMIC_ACQUIRE);
        }
      }
    }
  });
  return read ? copied : reader_.truncated();
}

void SegmentMerge::hold(core::SlotIndex slot, const std::uint64_t* gauge_cells) {
  for (std::size_t i = 0; i < gauges_.size(); ++i) {
    const std::uint64_t* at = gauge_cells + i * layout::kGaugeCells;
    if (const auto value = core::decode_gauge(at[layout::kGaugeValue])) {
      held_.push_back({i, slot, at[layout::kGaugeGeneration], at[layout::kGaugeStamp], *value});
    }
  }
}

// The heads are read after the cells: a generation found in both has that head's pid.
bool SegmentMerge::merge_gauges() {
  samples_.clear();
  std::vector<core::HeadCopy> heads;
  if (!held_.empty()) {
    heads = reader_.heads(reader_.usage().first_slots_used);
    if (heads.empty()) return false;
  }
  std::vector<std::optional<Ownership>> asked(heads.size());  // the kernel, once for each slot
  std::erase_if(held_, [&](const Held& h) {
    const Mode mode = gauges_[h.gauge].mode;
    const bool current = heads[h.slot].generation == h.generation;
    if (!core::is_live(mode)) return core::is_per_process(mode) && !current;
    if (!current) return true;
    std::optional<Ownership>& owner = asked[h.slot];
    if (!owner) owner = reader_.owner(h.slot);
    return owner->state != Ownership::State::kOwned || owner->generation != h.generation;
  });
  std::sort(held_.begin(), held_.end(), [](const Held& a, const Held& b) {
    return std::pair(a.gauge, a.slot) < std::pair(b.gauge, b.slot);
  });
  auto begin = held_.begin();
  for (std::size_t i = 0; i < gauges_.size(); ++i) {
    const auto end = std::find_if(begin, held_.end(), [i](const Held& h) { return h.gauge != i; });
    combine(gauges_[i], {begin, end}, heads);
    begin = end;
  }
  const bool same = std::equal(
      samples_.begin(), samples_.end(), last_samples_.begin(), last_samples_.end(),
      [](const Sample& a, const Sample& b) { return a.series == b.series && a.pid == b.pid; });
  if (!same || families_.shape == 0) rebuild();
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    families_.values[sum_values_ + i] = std::bit_cast<std::uint64_t>(samples_[i].value);
  }
  std::swap(samples_, last_samples_);
  return true;
}

void SegmentMerge::combine(const GaugeSeries& gauge, std::span<const Held> held,
                           const std::vector<core::HeadCopy>& heads) {
  if (core::is_per_process(gauge.mode)) {
    const std::size_t first = samples_.size();
    for (const Held& h : held) {
      const core::HeadCopy& head = heads[h.slot];
      std::string pid = std::to_string(head.pid);
      const bool foreign = head.pid_namespace != pid_namespace_;
      // Pids come back, and those of two namespaces may be the same.
      const bool taken = std::any_of(samples_.begin() + static_cast<std::ptrdiff_t>(first),
                                     samples_.end(), [&](const Sample& s) { return s.pid == pid; });
      if (foreign || taken) pid += '-' + std::to_string(h.slot);
      samples_.push_back({gauge.series, std::move(pid), h.value});
    }
    return;
  }
  std::optional<double> value;
  std::uint64_t stamp = 0;
  for (const Held& h : held) {
    switch (gauge.mode) {
      case Mode::kMin:
      case Mode::kLiveMin:
        value = std::min(value.value_or(h.value), h.value);
        break;
      case Mode::kMax:
      case Mode::kLiveMax:
        value = std::max(value.value_or(h.value), h.value);
        break;
      case Mode::kMostRecent:
      case Mode::kLiveMostRecent:
        if (!value || h.stamp >= stamp) {
          value = h.value;
          stamp = h.stamp;
        }
        break;
      default:
        value = value.value_or(0) + h.value;
    }
  }
  // A sum over nobody is 0: "nothing is running" is an answer, while nobody's minimum is none.
  if (!value && (gauge.mode == Mode::kSum || gauge.mode == Mode::kLiveSum)) value = 0;
  if (value) samples_.push_back({gauge.series, {}, *value});
}

void SegmentMerge::rebuild() {
  const core::Contents& contents = planned_->contents;
  std::unordered_map<core::Offset, std::size_t> index;
  families_.families.clear();
  for (const auto& f : contents.families) {
    index.emplace(f.offset, families_.families.size());
    families_.families.push_back({std::string(f.name),
                                  std::string(f.help),
                                  std::string(f.unit),
                                  f.type,
                                  {f.bounds.begin(), f.bounds.end()},
                                  {}});
  }
  std::size_t next_sum = 0;
  std::size_t next_sample = 0;
  for (std::size_t i = 0; i < contents.series.size(); ++i) {
    const core::SeriesView& s = contents.series[i];
    if (s.removed) continue;
    const std::size_t at = index.at(s.family);
    Family& family = families_.families[at];
    const core::FamilyView& view = contents.families[at];
    std::vector<Label> labels;
    if (family.type == Type::kInfo) {
      for (std::size_t k = 0; k + 1 < s.strings.size(); k += 2) {
        labels.push_back({std::string(s.strings[k]), std::string(s.strings[k + 1])});
      }
    } else {
      for (std::size_t k = 0; k < s.strings.size(); ++k) {
        labels.push_back({std::string(view.labels[k]), std::string(s.strings[k])});
      }
    }
    if (family.type == Type::kGauge) {
      for (; next_sample < samples_.size() && samples_[next_sample].series == i; ++next_sample) {
        std::vector<Label> all = labels;
        if (const std::string& pid = samples_[next_sample].pid; !pid.empty()) {
          all.push_back({"pid", pid});
        }
        family.series.push_back({std::move(all), sum_values_ + next_sample});
      }
    } else {
      const std::size_t first = s.cell_count > 0 ? sums_[next_sum++].first_value : 0;
      family.series.push_back({std::move(labels), first});
    }
  }
  families_.values.resize(sum_values_ + samples_.size());
  families_.shape = new_shape();
}

}  // namespace metrics::aggregator
