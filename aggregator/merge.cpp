#include "aggregator/merge.h"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <map>
#include <optional>
#include <unordered_map>

#include "libmetrics/gauges.h"

namespace metrics::aggregator {
namespace {

using core::Ownership;
using layout::Mode;

std::uint64_t own_pid_namespace() {
  struct stat info {};
  return ::stat("/proc/self/ns/pid", &info) == 0 ? info.st_ino : 0;
}

// A double's bits, plus another's.
void add_double(std::uint64_t& sum, std::uint64_t amount) {
  sum = std::bit_cast<std::uint64_t>(std::bit_cast<double>(sum) + std::bit_cast<double>(amount));
}

}  // namespace

std::uint64_t new_shape() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

SegmentMerge::SegmentMerge(std::string file)
    : reader_(std::move(file)), pid_namespace_(own_pid_namespace()) {}

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
  last_samples_.clear();
  families_.shape = 0;  // to be rebuilt
}

bool SegmentMerge::add_slots(std::span<const core::SlotIndex> slots) {
  auto& values = families_.values;
  values.resize(std::max(values.size(), sum_values_));
  std::fill_n(values.begin(), sum_values_, 0);
  held_.clear();
  for (const core::SlotIndex slot : slots) {
    std::span<const std::uint64_t> cells;
    if (!reader_.read_cells(slot, cells)) return false;
    for (const Sum& s : sums_) {
      const std::uint64_t* from = cells.data() + s.first_cell;
      std::uint64_t* to = values.data() + s.first_value;
      for (std::uint32_t k = 0; k < s.whole; ++k) to[k] += from[k];
      add_double(to[s.whole], from[s.whole]);
    }
    if (slot >= 1 && slot <= reader_.geometry().first_slots) hold(slot, cells);
  }
  return true;
}

void SegmentMerge::hold(core::SlotIndex slot, std::span<const std::uint64_t> cells) {
  for (std::size_t i = 0; i < gauges_.size(); ++i) {
    const std::uint64_t* at = cells.data() + gauges_[i].first_cell;
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
  std::map<core::SlotIndex, Ownership> asked;  // the kernel, once for each slot
  std::erase_if(held_, [&](const Held& h) {
    const Mode mode = gauges_[h.gauge].mode;
    const bool current = heads[h.slot].generation == h.generation;
    if (!core::is_live(mode)) return core::is_per_process(mode) && !current;
    if (!current) return true;
    auto [owner, is_new] = asked.try_emplace(h.slot);
    if (is_new) owner->second = reader_.owner(h.slot);
    return owner->second.state != Ownership::State::kOwned ||
           owner->second.generation != h.generation;
  });
  std::stable_sort(held_.begin(), held_.end(),
                   [](const Held& a, const Held& b) { return a.gauge < b.gauge; });
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
