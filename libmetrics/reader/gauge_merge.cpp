#include "libmetrics/reader/gauge_merge.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

#include "libmetrics/format/gauge_value.h"
#include "libmetrics/format/ownership.h"
#include "libmetrics/reader/mapping.h"
#include "libmetrics/reader/words.h"

namespace metrics::reader {

using format::Mode;
using format::Ownership;

namespace {

constexpr std::size_t kNoFamily = ~std::size_t{0};

// Returns true for an info whose last statement stays when no process lives that has made it.
bool is_statement(const GaugeMerge::Record& record) {
  return record.type == format::Type::kInfo && format::is_most_recent(record.mode);
}

// Returns the value that counts of what a record's cell holds: of a state set, where the state
// stands among the shown family's. Empty if it is not one of the edition's states.
std::optional<double> value_of(const GaugeMerge::Record& record, std::uint64_t cell) {
  const std::optional<double> value = format::decode_gauge(cell);
  if (!value || record.type != format::Type::kStateSet) return value;
  const auto state = format::state_of_value(*value, record.places.size());
  return state ? std::optional<double>(record.places[*state]) : std::nullopt;
}

// Returns true if only living processes count.
bool needs_life(const GaugeMerge::Record& record) {
  if (record.type == format::Type::kInfo) return !is_statement(record);
  return format::is_live(record.mode);
}

}  // namespace

GaugeMerge::GaugeMerge() : pid_namespace_(format::own_pid_namespace()) {}

void GaugeMerge::forget() {
  let_go(records_);
  let_go(by_cell_);
  let_go(found_);
  let_go(held_);
  let_go(sorted_);
  let_go(samples_);
  let_go(last_samples_);
}

void GaugeMerge::add(const Record& record) {
  by_cell_.push_back(static_cast<std::uint32_t>(records_.size()));
  records_.push_back(record);
}

void GaugeMerge::begin() {
  held_.clear();
  if (found_.size() == records_.size()) return;
  std::sort(by_cell_.begin(), by_cell_.end(), [&](std::uint32_t a, std::uint32_t b) {
    return records_[a].first_cell < records_[b].first_cell;
  });
  found_.resize(records_.size());
}

bool GaugeMerge::hold(Reader& reader, format::SlotIndex slot,
                      std::span<const Reader::Stretch> stretches) {
  if (records_.empty() || slot < 1 || slot > reader.usage().first_slots_used) return true;
  std::size_t count = 0;
  bool copied = true;
  const auto end_cell = [&](std::uint32_t record) {
    return records_[record].first_cell + format::kGaugeCells;
  };
  const bool read = read_guarded([&] {
    auto next = by_cell_.begin();
    for (const auto& stretch : stretches) {
      next = std::lower_bound(
          next, by_cell_.end(), stretch.begin,
          [&](std::uint32_t record, std::uint64_t cell) { return end_cell(record) <= cell; });
      for (; next != by_cell_.end() && records_[*next].first_cell < stretch.end; ++next) {
        const std::uint64_t first = records_[*next].first_cell;
        Found& found = found_[count++];
        found.record = *next;
        if (first < stretch.begin || end_cell(*next) > stretch.end) {
          copied = copied && reader.copy_cells(slot, first, found.cells);
          continue;
        }
        // Loads in ascending order. Acquire: pairs with the release in Gauge::begin
        // (update/gauges.cpp), so that a generation's values are its own.
        for (std::uint32_t k = 0; k < format::kGaugeCells; ++k) {
          found.cells[k] = __atomic_load_n(stretch.cells + first + k, __ATOMIC_ACQUIRE);
        }
      }
    }
  });
  if (!read) return reader.truncated();
  if (!copied) return false;
  for (const Found& found : std::span(found_).first(count)) {
    const auto word = format::GaugeWord::of(found.cells[format::kGaugeGeneration]);
    const Record& record = records_[found.record];
    if (word.version != record.version) continue;
    if (const auto value = value_of(record, found.cells[format::kGaugeValue])) {
      held_.push_back(
          {found.record, slot, word.generation, found.cells[format::kGaugeStamp], *value});
    }
  }
  return true;
}

std::uint64_t GaugeMerge::most_of_samples() const noexcept {
  std::uint64_t most = 0;
  for (const Record& record : records_) most += record.cost;
  for (const Held& h : held_) {
    const Record& record = records_[h.record];
    if (format::is_per_process(record.mode)) most += record.cost;
  }
  return most;
}

// Brings the values in the order of records, and for each record in that of slots, in which they
// were taken.
void GaugeMerge::sort_held() {
  ends_.assign(records_.size() + 1, 0);
  for (const Held& h : held_) ++ends_[h.record + 1];
  std::partial_sum(ends_.begin(), ends_.end(), ends_.begin());
  sorted_.resize(held_.size());
  for (const Held& h : held_) sorted_[ends_[h.record]++] = h;
  std::swap(held_, sorted_);
}

// The kernel reuses pids, and processes of two pid namespaces may have the same one: of the samples
// of a series that would have the same pid, all but the first have the slot's number behind it.
class GaugeMerge::Pids {
 public:
  Pids(const std::vector<HeadCopy>& heads, std::uint64_t pid_namespace)
      : heads_(heads), pid_namespace_(pid_namespace), same_(heads.size()), taken_(heads.size()) {
    std::vector<format::SlotIndex> by_pid(heads.size());
    std::iota(by_pid.begin(), by_pid.end(), format::SlotIndex{0});
    std::sort(by_pid.begin(), by_pid.end(), [&](format::SlotIndex a, format::SlotIndex b) {
      return heads[a].pid < heads[b].pid;
    });
    for (std::size_t i = 0; i < by_pid.size(); ++i) {
      const bool is_first = i == 0 || heads[by_pid[i]].pid != heads[by_pid[i - 1]].pid;
      same_[by_pid[i]] = is_first ? by_pid[i] : same_[by_pid[i - 1]];
    }
  }

  // Begins the samples of another series.
  void begin_series() { ++series_; }
  // Returns the pid of the sample of that slot's owner.
  std::string next(format::SlotIndex slot) {
    std::string pid = std::to_string(heads_[slot].pid);
    std::size_t& taken = taken_[same_[slot]];
    if (heads_[slot].pid_namespace != pid_namespace_ || taken == series_) {
      return pid + '-' + std::to_string(slot);
    }
    taken = series_;
    return pid;
  }

 private:
  const std::vector<HeadCopy>& heads_;
  const std::uint64_t pid_namespace_;
  std::vector<format::SlotIndex> same_;  // by slot: a slot whose owner has the same pid
  std::vector<std::size_t> taken_;       // by that slot: the last series with a sample of that pid
  std::size_t series_ = 0;
};

// Reads the heads after the cells: a generation that is found in both has that head's pid.
bool GaugeMerge::merge(Reader& reader, const std::vector<bool>& gone) {
  std::swap(samples_, last_samples_);
  samples_.clear();
  const auto is_gone = [&](const Record& record) { return !gone.empty() && gone[record.at]; };
  std::erase_if(held_, [&](const Held& h) { return is_gone(records_[h.record]); });
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
  sort_held();
  Pids pids(heads, pid_namespace_);
  auto begin = held_.begin();
  for (std::size_t r = 0; r < records_.size();) {
    const std::size_t first = r;
    bool of_last = false;
    for (; r < records_.size() && records_[r].series == records_[first].series; ++r) {
      of_last = of_last || (records_[r].of_last && !is_gone(records_[r]));
    }
    const auto end = std::find_if(begin, held_.end(), [&](const Held& h) { return h.record >= r; });
    combine(first, {begin, end}, of_last, pids);
    begin = end;
  }
  drop_old_statements();
  changed_ = !std::equal(
      samples_.begin(), samples_.end(), last_samples_.begin(), last_samples_.end(),
      [](const Sample& a, const Sample& b) { return a.series == b.series && a.pid == b.pid; });
  return true;
}

// Calls visit(held) once for each process that holds a value of a series. It may hold one in each
// of several editions: the last one's is visited, else the newest.
template <class Visit>
void GaugeMerge::each_process(std::span<const Held> held, Visit visit) const {
  for (auto h = held.begin(); h != held.end(); ++h) {
    const auto next = std::find_if(h, held.end(), [&](const Held& o) { return o.slot != h->slot; });
    const auto chosen =
        std::find_if(h, next, [&](const Held& o) { return records_[o.record].of_last; });
    h = std::prev(next);
    visit(chosen != next ? *chosen : *h);
  }
}

// Makes the samples of a series that has one for each process.
void GaugeMerge::combine_per_process(const Record& record, std::span<const Held> held, Pids& pids) {
  pids.begin_series();
  each_process(held, [&](const Held& h) {
    samples_.push_back({record.series, pids.next(h.slot), h.value});
  });
}

// Makes the samples of a series of a state set.
void GaugeMerge::combine_states(const Record& record, std::span<const Held> held, bool of_last,
                                Pids& pids) {
  const auto add = [&](const std::string& pid, auto number) {
    for (std::uint32_t state = 0; state < record.states; ++state) {
      samples_.push_back({record.series, pid, number(state), 0, false, state});
    }
  };
  const auto add_current = [&](const std::string& pid, const Held& h) {
    add(pid, [&](std::uint32_t state) { return h.value == state ? 1.0 : 0.0; });
  };
  if (format::is_per_process(record.mode)) {
    pids.begin_series();
    each_process(held, [&](const Held& h) { add_current(pids.next(h.slot), h); });
  } else if (format::is_most_recent(record.mode)) {
    const Held* newest = nullptr;
    for (const Held& h : held) {
      if (newest == nullptr || h.stamp >= newest->stamp) newest = &h;
    }
    if (newest != nullptr) add_current({}, *newest);
  } else if (of_last || !held.empty()) {  // as with a sum, see combine()
    std::vector<double> processes(record.states);
    each_process(held, [&](const Held& h) { processes[static_cast<std::size_t>(h.value)] += 1; });
    add({}, [&](std::uint32_t state) { return processes[state]; });
  }
}

// Makes the samples of one series, whose first record is given, out of what its records hold.
// of_last: one of them is of the family's last edition.
void GaugeMerge::combine(std::size_t first_record, std::span<Held> held, bool of_last, Pids& pids) {
  const Record& record = records_[first_record];
  if (!held.empty() && held.front().record != held.back().record) {  // of several editions
    std::sort(held.begin(), held.end(), [](const Held& a, const Held& b) {
      return std::tie(a.slot, a.record) < std::tie(b.slot, b.record);
    });
  }
  if (record.type == format::Type::kInfo) {
    Sample statement{record.series, {}, 1, 0, false};
    for (const Held& h : held) {
      statement.stamp = std::max(statement.stamp, h.stamp);
      statement.lives = statement.lives || h.lives;
    }
    if (!held.empty()) samples_.push_back(std::move(statement));
    return;
  }
  if (record.type == format::Type::kStateSet) return combine_states(record, held, of_last, pids);
  if (format::is_per_process(record.mode)) return combine_per_process(record, held, pids);
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
