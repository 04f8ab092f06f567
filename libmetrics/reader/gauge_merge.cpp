#include "libmetrics/reader/gauge_merge.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "libmetrics/format/gauge_value.h"
#include "libmetrics/format/ownership.h"
#include "libmetrics/reader/mapping.h"

namespace metrics::reader {

using format::Mode;
using format::Ownership;

GaugeMerge::GaugeMerge() : pid_namespace_(format::own_pid_namespace()) {}

void GaugeMerge::forget() {
  gauges_.clear();
  cells_.clear();
  samples_.clear();
}

void GaugeMerge::add(std::size_t series, std::uint64_t first_cell, Mode mode) {
  gauges_.push_back({series, first_cell, mode});
  cells_.resize(gauges_.size() * format::kGaugeCells);
}

void GaugeMerge::hold_copied(const Reader& reader, format::SlotIndex slot,
                             const std::uint64_t* cells) {
  if (slot < 1 || slot > reader.geometry().first_slots) return;
  for (std::size_t i = 0; i < gauges_.size(); ++i) {
    std::copy_n(cells + gauges_[i].first_cell, format::kGaugeCells,
                cells_.data() + i * format::kGaugeCells);
  }
  hold(slot);
}

bool GaugeMerge::hold_mapped(Reader& reader, format::SlotIndex slot,
                             std::span<const Reader::Stretch> stretches) {
  if (gauges_.empty() || slot < 1 || slot > reader.geometry().first_slots) return true;
  const std::uint64_t* cells = reader.mapped_cells(slot);
  std::fill(cells_.begin(), cells_.end(), 0);
  bool copied = true;
  const bool read = read_guarded([&] {
    for (const auto& stretch : stretches) {
      for (std::size_t i = 0; i < gauges_.size(); ++i) {
        const std::uint64_t first = gauges_[i].first_cell;
        const std::uint64_t end = first + format::kGaugeCells;
        std::uint64_t* to = cells_.data() + i * format::kGaugeCells;
        if (end <= stretch.begin || first >= stretch.end) continue;
        if (first < stretch.begin || end > stretch.end) {
          copied = copied && reader.copy_cells(slot, first, {to, format::kGaugeCells});
          continue;
        }
        // Loads in ascending order. Acquire: pairs with the release in Gauge::begin
        // (update/gauges.cpp), so that a generation's values are its own.
        for (std::uint32_t k = 0; k < format::kGaugeCells; ++k) {
          to[k] = __atomic_load_n(cells + first + k, __ATOMIC_ACQUIRE);
        }
      }
    }
  });
  if (!read) return reader.truncated();
  if (!copied) return false;
  hold(slot);
  return true;
}

void GaugeMerge::hold(format::SlotIndex slot) {
  for (std::size_t i = 0; i < gauges_.size(); ++i) {
    const std::uint64_t* at = cells_.data() + i * format::kGaugeCells;
    if (const auto value = format::decode_gauge(at[format::kGaugeValue])) {
      held_.push_back({i, slot, at[format::kGaugeGeneration], at[format::kGaugeStamp], *value});
    }
  }
}

// Reads the heads after the cells: a generation that is found in both has that head's pid.
bool GaugeMerge::merge(Reader& reader) {
  std::swap(samples_, last_samples_);
  samples_.clear();
  std::vector<HeadCopy> heads;
  if (!held_.empty()) {
    heads = reader.heads(reader.usage().first_slots_used);
    if (heads.empty()) return false;
  }
  std::vector<std::optional<Ownership>> asked(
      heads.size());  // from the kernel, at most once for each slot
  std::erase_if(held_, [&](const Held& h) {
    const Mode mode = gauges_[h.gauge].mode;
    const bool current = heads[h.slot].generation == h.generation;
    if (!format::is_live(mode)) return format::is_per_process(mode) && !current;
    if (!current) return true;
    std::optional<Ownership>& owner = asked[h.slot];
    if (!owner) owner = reader.owner(h.slot);
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
  changed_ = !std::equal(
      samples_.begin(), samples_.end(), last_samples_.begin(), last_samples_.end(),
      [](const Sample& a, const Sample& b) { return a.series == b.series && a.pid == b.pid; });
  return true;
}

void GaugeMerge::combine(const GaugeSeries& gauge, std::span<const Held> held,
                         const std::vector<HeadCopy>& heads) {
  if (format::is_per_process(gauge.mode)) {
    const std::size_t first = samples_.size();
    for (const Held& h : held) {
      const HeadCopy& head = heads[h.slot];
      std::string pid = std::to_string(head.pid);
      const bool foreign = head.pid_namespace != pid_namespace_;
      // The kernel reuses pids, and processes of two pid namespaces may have the same one.
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
  // The sum over no processes is 0, since "nothing is running" is an answer; the minimum of no
  // processes has no value.
  if (!value && (gauge.mode == Mode::kSum || gauge.mode == Mode::kLiveSum)) value = 0;
  if (value) samples_.push_back({gauge.series, {}, *value});
}

}  // namespace metrics::reader
