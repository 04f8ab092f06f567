#include "tools/inspect/top/history.h"

#include <algorithm>
#include <utility>

#include "aggregator/exposition/samples.h"
#include "libmetrics/format/native.h"
#include "libmetrics/format/printable.h"
#include "libmetrics/format/types.h"
#include "tools/inspect/readings.h"
#include "tools/inspect/top/quantile.h"

namespace metrics::inspect::top {
namespace {

using format::Values;
using reader::Families;
using reader::Family;
using reader::Series;

std::string name_of(const Family& f, const Series& s) {
  return exposition::spelled({f.name, s.labels, ""});
}

Number number_of(const Families& families, const Family& f, const Series& s) {
  switch (format::values_of(f.type)) {
    case Values::kWholeAndFraction: {
      const reader::CounterValue v = families.counter(s);
      if (v.fraction == 0) return {.is_whole = true, .whole = v.whole};
      return {.fraction = static_cast<double>(v.whole) + v.fraction};
    }
    case Values::kCounts: {
      std::uint64_t sum = 0;
      for (const std::uint64_t count : families.counts(f, s)) sum += count;
      return {.is_whole = true, .whole = sum};
    }
    case Values::kGauge:
    case Values::kState:
      return {.fraction = families.gauge(s)};
    case Values::kInfo:
      break;
  }
  return {.is_whole = true, .whole = 1};
}

std::string text_of(const Number& number) {
  char buffer[exposition::kMaxNumberSize];
  return number.is_whole ? std::to_string(number.whole)
                         : std::string(buffer, exposition::print(buffer, number.fraction));
}

bool counts(const Family& f) {
  const Values values = format::values_of(f.type);
  return values == Values::kWholeAndFraction || values == Values::kCounts;
}

// Finds a series of one picture in an earlier one. As long as the shape stays, they stand where
// they did.
class Before {
 public:
  Before(const Picture& before, const Picture& now)
      : families_(before.families),
        is_same_(before.families.shape == now.families.shape),
        is_same_segment_(before.id == now.id) {
    if (is_same_) return;
    for (const Family& f : families_.families) {
      for (const Series& s : f.series) by_name_.emplace(name_of(f, s), Place{&f, s});
    }
  }
  struct Place {
    const Family* family = nullptr;
    Series series;
  };
  // Returns its place if it is the same series, counted in the same way.
  Place of(const Picture& now, std::size_t family, std::size_t series) const {
    const Family& f = now.families.families[family];
    const Series& s = f.series[series];
    if (is_same_) return {&families_.families[family], families_.families[family].series[series]};
    const auto there = by_name_.find(name_of(f, s));
    if (there == by_name_.end() || !is_same_segment_) return {};
    const Place at = there->second;
    const bool is_one = at.series.record == s.record && at.series.created_ns == s.created_ns &&
                        at.family->bounds == f.bounds && at.family->native == f.native &&
                        at.family->type == f.type;
    return is_one ? at : Place{};
  }
  const Families& families() const { return families_; }

 private:
  const Families& families_;
  const bool is_same_, is_same_segment_;
  std::unordered_map<std::string, Place> by_name_;
};

double gained(const Number& before, const Number& after) {
  if (before.is_whole && after.is_whole) {
    return static_cast<double>(after.whole >= before.whole ? after.whole - before.whole
                                                           : after.whole);
  }
  const double amount = after.as_double() - before.as_double();
  return amount >= 0 ? amount : after.as_double();
}

// The counts of the last interval.
std::vector<std::uint64_t> gained_counts(const Families& before, const Before::Place& at,
                                         const Families& now, const Family& f, const Series& s) {
  const auto counts = now.counts(f, s);
  std::vector<std::uint64_t> gained(counts.begin(), counts.end());
  if (at.family == nullptr) return gained;
  const auto earlier = before.counts(*at.family, at.series);
  for (std::size_t i = 0; i < gained.size() && i < earlier.size(); ++i) {
    if (gained[i] >= earlier[i]) gained[i] -= earlier[i];
  }
  return gained;
}

std::vector<std::string> refused_of(const Picture& now, const Process& process) {
  std::vector<std::string> reasons;
  for (const reader::DropReport& d : now.drops) {
    const bool is_its = d.count > 0 && d.last.when_ns >= process.slot.head.claimed_ns &&
                        d.last.when_ns != 0 && d.last.pid == process.slot.head.pid;
    if (is_its) reasons.emplace_back(d.reason.reason);
  }
  return reasons;
}

std::vector<std::string> families_of(const Picture& now, const Process& process) {
  std::vector<std::string> names;
  for (const std::uint32_t at : process.families) {
    // Editions of one name follow each other only if nothing was registered in between.
    if (std::find(names.begin(), names.end(), now.names[at]) == names.end()) {
      names.push_back(now.names[at]);
    }
  }
  return names;
}

}  // namespace

void Rate::add(double amount, double seconds) {
  if (seconds <= 0) return;
  now = amount / seconds;
  age += seconds;
  const auto average = [&](double& over, double window) {
    const double part = std::min(1.0, seconds / std::min(age, window));
    over = std::isnan(over) ? now : over + (now - over) * part;
  };
  average(over_10, 10);
  average(over_100, 100);
}

void History::restart() {
  for (SeriesRow& row : series_) row.rate = {};
  for (auto& [slot, seen] : seen_) seen.rate = {};
}

void History::add(Picture picture) {
  latest_ = std::make_shared<Picture>(std::move(picture));
  if (!latest_->why.empty()) return;
  if (pictures_ == 0) began_ = latest_->at;
  ++pictures_;
  interval_ = pictures_ > 1 ? latest_->at - read_->at : 0;
  add_series(*read_, *latest_, interval_);
  add_workers(*latest_, interval_);
  read_ = latest_;
}

void History::add_series(const Picture& before, const Picture& now, double seconds) {
  const Before earlier(before, now);
  std::unordered_map<std::string, Rate> rates;
  const bool is_same = before.families.shape == now.families.shape;
  if (!is_same) {
    for (SeriesRow& row : series_) rates.emplace(std::move(row.name), row.rate);
  }
  std::vector<SeriesRow> rows;
  std::size_t index = 0;
  for (std::size_t i = 0; i < now.families.families.size(); ++i) {
    const Family& f = now.families.families[i];
    // Made once for all series of the family, and only where it is needed.
    const std::vector<double> grid =
        format::has_buckets(f.type) ? format::grid_of(f.bounds, f.native) : std::vector<double>{};
    for (std::size_t j = 0; j < f.series.size(); ++j, ++index) {
      const Series& s = f.series[j];
      const Number number = number_of(now.families, f, s);
      SeriesRow row{is_same ? std::move(series_[index].name) : format::printable(name_of(f, s)),
                    i,
                    j,
                    f.type,
                    unit_of(f.name, f.unit),
                    number.as_double(),
                    text_of(number),
                    {}};
      if (is_same) {
        row.rate = series_[index].rate;
      } else if (const auto there = rates.find(row.name); there != rates.end()) {
        row.rate = there->second;
      }
      if (seconds > 0 && counts(f)) {
        const Before::Place at = earlier.of(now, i, j);
        const Number was = at.family == nullptr
                               ? Number{.is_whole = true}
                               : number_of(earlier.families(), *at.family, at.series);
        row.rate.add(gained(was, number), seconds);
        if (format::has_buckets(f.type)) {
          const auto gains = gained_counts(earlier.families(), at, now.families, f, s);
          row.p50 = quantile(0.5, grid, gains);
          row.p99 = quantile(0.99, grid, gains);
        }
      }
      rows.push_back(std::move(row));
    }
  }
  series_ = std::move(rows);
}

void History::add_workers(const Picture& now, double seconds) {
  workers_.clear();
  std::map<format::SlotIndex, Seen> seen;
  for (const Process& p : now.processes) {
    const reader::HeadCopy& head = p.slot.head;
    const auto there = seen_.find(head.slot);
    const bool is_known = there != seen_.end();
    Seen s = is_known ? there->second
                      : Seen{head.generation, p.fingerprint, p.events, now.at, false, {}};
    if (s.generation != head.generation) s.rate = {};  // another process has adopted the slot
    if (s.fingerprint != p.fingerprint || (!is_known && seconds > 0)) {
      s.changed_at = now.at;
      s.has_moved = true;
    }
    if (seconds > 0) {
      const double before = is_known ? s.events : 0;
      s.rate.add(std::max(0.0, p.events - before), seconds);
    }
    s.generation = head.generation;
    s.fingerprint = p.fingerprint;
    s.events = p.events;
    workers_.push_back({head.slot, head.pid, head.generation, head.claimed_ns,
                        format::printable(head.command),
                        std::string(reader::to_string(p.slot.state)), p.slot.threads, p.events,
                        s.rate, now.at - (s.has_moved ? s.changed_at : began_), s.has_moved,
                        head.dropped, refused_of(now, p), families_of(now, p)});
    seen.emplace(head.slot, s);
  }
  seen_ = std::move(seen);
}

}  // namespace metrics::inspect::top
