#include "libmetrics/reader/merge.h"

#include <algorithm>
#include <utility>

#include "libmetrics/format/clock.h"
#include "libmetrics/format/gauge_value.h"
#include "libmetrics/reader/add.h"

namespace metrics::reader {

namespace {

// Returns true if all records of the series are overflow series of their editions.
bool is_overflow(const Contents& contents, const Shown& shown, const Shown::Series& series) {
  for (std::uint32_t r = series.first; r != Shown::kNone; r = shown.next[r]) {
    if (contents.families[shown.edition_of[r]].overflow != contents.series[r].offset) return false;
  }
  return true;
}

}  // namespace

SegmentMerge::SegmentMerge(std::string file, Access access, Admit admit)
    : reader_(std::move(file), access, std::move(admit)) {}

bool SegmentMerge::read() {
  Allowance own;
  return examine() && read_directory(own) && read_values(own);
}

bool SegmentMerge::examine() { return reader_.examine() || forget(); }

bool SegmentMerge::read_directory(Allowance& allowance) {
  return reader_.read_directory(allowance) || forget();
}

bool SegmentMerge::read_values(Allowance& allowance) {
  only_.reset();
  return read_slots(reader_.used_slots(), allowance) || forget();
}

bool SegmentMerge::read_exemplars() {
  if (exemplars_.size() == 0) return true;
  exemplars_.begin();
  for (const format::SlotIndex slot : reader_.used_slots()) {
    if (slot == 0) continue;  // has many writers, and no exemplars
    if (only_ && *only_ != slot) continue;
    if (!reader_.data_in(slot, stretches_) || !exemplars_.hold(reader_, stretches_)) {
      return forget();
    }
  }
  exemplars_.put(format::now_ns(), families_.exemplars);
  return true;
}

bool SegmentMerge::read_slot(format::SlotIndex slot) {
  Allowance own;
  only_ = slot;
  return (examine() && read_directory(own) && read_slots({&slot, 1}, own)) || forget();
}

void SegmentMerge::close() {
  reader_.close();
  forget();
}

// Lets go what was planned and merged. Returns false.
bool SegmentMerge::forget() {
  planned_.reset();
  shown_ = {};
  let_go(names_);
  let_go(by_cell_);
  for (auto* numbers : {&series_of_, &of_processes_, &exemplars_of_}) let_go(*numbers);
  let_go(first_values_);
  for (auto* marks : {&listed_, &gone_, &last_gone_}) let_go(*marks);
  gauges_.forget();
  exemplars_.forget();
  if (families_.shape != 0 && families_.families.empty()) return false;
  families_ = Families{};
  families_.shape = new_shape();
  return false;
}

bool SegmentMerge::read_slots(std::span<const format::SlotIndex> slots, Allowance& allowance) {
  const std::uint64_t space = reader_.usage().space_taken;
  Cost cost = cost_of_values();
  if (auto why = allowance.lacks(cost, space); !why.empty()) return reader_.refused(std::move(why));
  if (planned_ != reader_.catalogue() && allowance.is_over()) {
    return reader_.refused(Allowance::kTooLate);
  }
  plan();
  families_.exemplars.resize(exemplars_.size());
  for (auto& of_series : families_.exemplars) of_series.clear();
  std::swap(gone_, last_gone_);
  if (!add_slots(slots) || !reader_.find_gone(gone_)) return false;
  cost.exposition += gauges_.most_of_samples();
  if (auto why = allowance.take(cost, space); !why.empty()) return reader_.refused(std::move(why));
  if (!gauges_.merge(reader_, gone_)) return false;
  fold();
  const bool other_overflows = find_unused_overflows();
  if (families_.shape == 0 || other_overflows || !touch_gone()) {
    rebuild();
  } else if (gauges_.changed() || !touched_.empty() || !edits_.empty()) {
    update();
  }
  const auto& samples = gauges_.samples();
  for (std::size_t i = 0; i < samples.size(); ++i) {
    families_.values[samples_at_ + i] = std::bit_cast<std::uint64_t>(samples[i].value);
  }
  return true;
}

// Plans which cells are added to which values. Replanned only when the directory has changed.
void SegmentMerge::plan() {
  const auto catalogue = reader_.catalogue();
  if (planned_ == catalogue) return;
  const bool goes_on =
      planned_ != nullptr && catalogue->former == planned_.get() && families_.shape != 0;
  if (goes_on && plan_changes(*catalogue)) {
    planned_ = catalogue;
    return;
  }
  planned_ = catalogue;
  const Contents& contents = catalogue->contents;
  shown_ = shown(contents, catalogue->groups);
  first_values_.reserve(shown_.series.capacity());
  first_values_.assign(shown_.series.size(), 0);
  by_cell_.clear();
  by_cell_.reserve(shown_.series.capacity());
  folds_.clear();
  places_.clear();
  overflows_.clear();
  unused_.assign(shown_.series.size(), false);
  listed_.assign(shown_.series.size(), false);
  plan_names();
  series_of_.reserve(shown_.next.capacity());
  series_of_.assign(contents.series.size(), Shown::kNone);
  of_processes_.clear();
  free_series_.clear();
  free_values_.clear();
  touched_.clear();
  edits_.clear();
  gauges_.forget();
  exemplars_.forget();
  exemplars_of_.clear();
  sum_values_ = 0;
  for (std::size_t i = 0; i < shown_.series.size(); ++i) {
    const Shown::Series& series = shown_.series[i];
    const format::FamilyView& last = *shown_.families[series.family].last;
    for (std::uint32_t r = series.first; r != Shown::kNone; r = shown_.next[r]) {
      series_of_[r] = static_cast<std::uint32_t>(i);
    }
    if (!format::is_of_processes(last.type)) {
      first_values_[i] = sum_values_;
      plan_sums(series);
      plan_exemplars(i);
      if (is_overflow(contents, shown_, series)) overflows_.push_back(i);
      continue;
    }
    of_processes_.push_back(static_cast<std::uint32_t>(i));
    const std::vector<std::string_view>& states = shown_.families[series.family].states;
    const std::uint64_t cost = cost_of_sample(contents.families[shown_.edition_of[series.first]],
                                              contents.series[series.first], states);
    for (std::uint32_t r = series.first; r != Shown::kNone; r = shown_.next[r]) {
      const bool of_last = &contents.families[shown_.edition_of[r]] == &last;
      const format::SeriesView& record = contents.series[r];
      gauges_.add({r, i, series.family, record.first_cell, format::rest_of(record.state), last.type,
                   last.mode, of_last, cost, shown_.state_places[shown_.edition_of[r]],
                   static_cast<std::uint32_t>(states.size())});
    }
  }
  const auto by_cell = [](const Sum& a, const Sum& b) { return a.first_cell < b.first_cell; };
  if (!std::ranges::is_sorted(by_cell_, by_cell)) std::ranges::sort(by_cell_, by_cell);
  exemplars_.arrange();
  samples_at_ = sum_values_;
  families_.values.reserve(sum_values_ + sum_values_ / 8);
  prefer_large_pages(families_.values.data(), sum_values_ * sizeof(std::uint64_t));
  families_.shape = 0;  // so that read_slots() rebuilds them
}

// Plans the values of a series, which begin at sum_values_.
void SegmentMerge::plan_sums(const Shown::Series& series) {
  const Contents& contents = planned_->contents;
  const Shown::Family& family = shown_.families[series.family];
  const format::SeriesView& first = contents.series[series.first];
  const format::FamilyView& edition = contents.families[shown_.edition_of[series.first]];
  if (series.first == series.last && edition.native == family.native &&
      std::ranges::equal(edition.bounds, family.last->bounds)) {
    by_cell_.emplace_back(first.first_cell, first.cell_count - 1, sum_values_);
    sum_values_ += first.cell_count;
    return;
  }
  const std::size_t to = sum_values_;
  sum_values_ += family.cells;
  for (std::uint32_t r = series.first; r != Shown::kNone; r = shown_.next[r]) {
    const format::SeriesView& record = contents.series[r];
    folds_.push_back({r, sum_values_, to, record.cell_count - 1, family.cells - 1,
                      &places_of(shown_.edition_of[r], family)});
    by_cell_.emplace_back(record.first_cell, record.cell_count - 1, sum_values_);
    sum_values_ += record.cell_count;
  }
}

void SegmentMerge::plan_exemplars(std::size_t i) {
  const Contents& contents = planned_->contents;
  const Shown::Series& series = shown_.series[i];
  for (std::uint32_t r = series.first; r != Shown::kNone; r = shown_.next[r]) {
    if (contents.series[r].places == 0) continue;
    exemplars_of_.resize(i + 1, Series::kNone);
    std::uint32_t& index = exemplars_of_[i];
    if (index == Series::kNone) index = static_cast<std::uint32_t>(exemplars_.size());
    exemplars_.add(index, contents.series[r], *shown_.families[series.family].last);
  }
}

// Returns to which of the shown counts each count of that edition is added: to that of the first
// shown bound which is not below its own, or else to the last one.
const std::vector<std::uint32_t>& SegmentMerge::places_of(std::uint32_t edition,
                                                          const Shown::Family& shown) {
  std::vector<std::uint32_t>& places = places_[edition];
  if (!places.empty()) return places;
  const format::FamilyView& theirs = planned_->contents.families[edition];
  const std::vector<double> to = format::grid_of(shown.last->bounds, shown.native);
  for (const double bound : format::grid_of(theirs.bounds, theirs.native)) {
    const auto at = std::lower_bound(to.begin(), to.end(), bound);
    places.push_back(static_cast<std::uint32_t>(at - to.begin()));
  }
  places.push_back(static_cast<std::uint32_t>(to.size()));
  return places;
}

void SegmentMerge::fold() {
  std::vector<std::uint64_t>& values = families_.values;
  for (const Fold& f : folds_) {
    if (!gone_.empty() && gone_[f.record]) continue;
    for (std::uint32_t k = 0; k < f.counts; ++k)
      values[f.to + (*f.places)[k]] += values[f.from + k];
    add_double(values[f.to + f.shown], values[f.from + f.counts]);
  }
}

// Returns true if all records of a series are gone.
bool SegmentMerge::is_gone(const Shown::Series& series) const {
  if (gone_.empty()) return false;
  std::uint32_t r = series.first;
  while (r != Shown::kNone && gone_[r]) r = shown_.next[r];
  return r == Shown::kNone;
}

// Returns true if other ones are unused than before.
bool SegmentMerge::find_unused_overflows() {
  bool changed = false;
  for (const std::size_t i : overflows_) {
    const auto* first = families_.values.data() + first_values_[i];
    const std::uint32_t count = shown_.families[shown_.series[i].family].cells;
    const bool unused = std::all_of(first, first + count, [](std::uint64_t v) { return v == 0; });
    changed = changed || unused != unused_[i];
    unused_[i] = unused;
  }
  return changed;
}

}  // namespace metrics::reader
