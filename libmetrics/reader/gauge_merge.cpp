#include "libmetrics/reader/gauge_merge.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "libmetrics/format/gauge_value.h"
#include "libmetrics/format/ownership.h"
#include "libmetrics/reader/mapping.h"

namespace metrics::reader {

using format::Mode;
using format::Ownership;

namespace {

constexpr std::size_t kNoFamily = ~std::size_t{0};

// Returns true for an info whose last statement stays when no process lives that has made it.
bool is_statement(const GaugeMerge::Record& record) {
  return record.type == format::Type::kInfo && format::is_most_recent(record.mode);
}

// Returns true if only living processes count.
bool needs_life(const GaugeMerge::Record& record) {
  if (record.type == format::Type::kInfo) return !is_statement(record);
  return format::is_live(record.mode);
}

}  // namespace

GaugeMerge::GaugeMerge() : pid_namespace_(format::own_pid_namespace()) {}

void GaugeMerge::forget() {
  records_.clear();
  cells_.clear();
  samples_.clear();
}

void GaugeMerge::add(const Record& record) {
  records_.push_back(record);
  cells_.resize(records_.size() * format::kGaugeCells);
}

void GaugeMerge::hold_copied(const Reader& reader, format::SlotIndex slot,
                             const std::uint64_t* cells) {
  if (slot < 1 || slot > reader.geometry().first_slots) return;
  for (std::size_t i = 0; i < records_.size(); ++i) {
    std::copy_n(cells + records_[i].first_cell, format::kGaugeCells,
                cells_.data() + i * format::kGaugeCells);
  }
  hold(slot);
}

bool GaugeMerge::hold_mapped(Reader& reader, format::SlotIndex slot,
                             std::span<const Reader::Stretch> stretches) {
  if (records_.empty() || slot < 1 || slot > reader.geometry().first_slots) return true;
  const std::uint64_t* cells = reader.mapped_cells(slot);
  std::fill(cells_.begin(), cells_.end(), 0);
  bool copied = true;
  const bool read = read_guarded([&] {
    for (const auto& stretch : stretches) {
      for (std::size_t i = 0; i < records_.size(); ++i) {
        const std::uint64_t first = records_[i].first_cell;
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
  for (std::size_t i = 0; i < records_.size(); ++i) {
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
  const auto lives = [&](const Held& h) {
    if (heads[h.slot].generation != h.generation) return false;
    std::optional<Ownership>& owner = asked[h.slot];
    if (!owner) owner = reader.owner(h.slot);
    return owner->state == Ownership::State::kOwned && owner->generation == h.generation;
  };
  std::erase_if(held_, [&](Held& h) {
    const Record& record = records_[h.record];
    if (is_statement(record)) h.lives = lives(h);
    if (!record.of_last || needs_life(record)) return !lives(h);
    return format::is_per_process(record.mode) && heads[h.slot].generation != h.generation;
  });
  std::sort(held_.begin(), held_.end(), [&](const Held& a, const Held& b) {
    return std::tuple(records_[a.record].series, a.slot, a.record) <
           std::tuple(records_[b.record].series, b.slot, b.record);
  });
  auto begin = held_.begin();
  for (std::size_t r = 0; r < records_.size(); ++r) {
    const std::size_t series = records_[r].series;
    if (r > 0 && records_[r - 1].series == series) continue;
    const auto end = std::find_if(
        begin, held_.end(), [&](const Held& h) { return records_[h.record].series != series; });
    combine(r, {begin, end}, heads);
    begin = end;
  }
  drop_old_statements();
  changed_ = !std::equal(
      samples_.begin(), samples_.end(), last_samples_.begin(), last_samples_.end(),
      [](const Sample& a, const Sample& b) { return a.series == b.series && a.pid == b.pid; });
  return true;
}

// Makes the samples of one series, whose first record is given, out of what its records hold.
void GaugeMerge::combine(std::size_t first_record, std::span<const Held> held,
                         const std::vector<HeadCopy>& heads) {
  const Record& record = records_[first_record];
  if (record.type == format::Type::kInfo) {
    Sample statement{record.series, {}, 1, 0, false};
    for (const Held& h : held) {
      statement.stamp = std::max(statement.stamp, h.stamp);
      statement.lives = statement.lives || h.lives;
    }
    if (!held.empty()) samples_.push_back(std::move(statement));
    return;
  }
  if (format::is_per_process(record.mode)) {
    const std::size_t first = samples_.size();
    for (auto h = held.begin(); h != held.end(); ++h) {
      // A process may hold a value in several editions: the last one's is shown, else the newest.
      const auto next =
          std::find_if(h, held.end(), [&](const Held& o) { return o.slot != h->slot; });
      const auto chosen =
          std::find_if(h, next, [&](const Held& o) { return records_[o.record].of_last; });
      const Held& shown = chosen != next ? *chosen : *std::prev(next);
      h = std::prev(next);
      const HeadCopy& head = heads[shown.slot];
      std::string pid = std::to_string(head.pid);
      const bool foreign = head.pid_namespace != pid_namespace_;
      // The kernel reuses pids, and processes of two pid namespaces may have the same one.
      const bool taken = std::any_of(samples_.begin() + static_cast<std::ptrdiff_t>(first),
                                     samples_.end(), [&](const Sample& s) { return s.pid == pid; });
      if (foreign || taken) pid += '-' + std::to_string(shown.slot);
      samples_.push_back({record.series, std::move(pid), shown.value});
    }
    return;
  }
  std::optional<double> value;
  std::uint64_t stamp = 0;
  for (const Held& h : held) {
    switch (record.mode) {
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
  // That is for the last edition to say: another one's label set is there only as long as a living
  // process has set it.
  bool of_last = false;
  for (std::size_t r = first_record; r < records_.size() && records_[r].series == record.series;
       ++r) {
    of_last = of_last || records_[r].of_last;
  }
  const bool sums = record.mode == Mode::kSum || record.mode == Mode::kLiveSum;
  if (!value && sums && of_last) value = 0;
  if (value) samples_.push_back({record.series, {}, *value});
}

// Keeps, of an info whose last statement stays, only what living processes state; if there are
// none, what was stated last.
void GaugeMerge::drop_old_statements() {
  struct Newest {
    bool lives = false;
    std::uint64_t stamp = 0;
  };
  std::map<std::size_t, Newest> newest;  // by family
  std::vector<std::size_t> family_of;    // by sample
  for (std::size_t r = 0, i = 0; r < records_.size() && i < samples_.size(); ++r) {
    for (; i < samples_.size() && samples_[i].series == records_[r].series; ++i) {
      family_of.push_back(is_statement(records_[r]) ? records_[r].family : kNoFamily);
      if (family_of.back() == kNoFamily) continue;
      Newest& n = newest[records_[r].family];
      n.lives = n.lives || samples_[i].lives;
      n.stamp = std::max(n.stamp, samples_[i].stamp);
    }
  }
  if (newest.empty()) return;
  std::size_t i = 0;
  std::erase_if(samples_, [&](const Sample& sample) {
    const std::size_t family = family_of[i++];
    if (family == kNoFamily) return false;
    const Newest& n = newest.at(family);
    return n.lives ? !sample.lives : sample.stamp != n.stamp;
  });
}

}  // namespace metrics::reader
