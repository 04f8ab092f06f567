// merge_changes.cpp -- takes into a merge's plan, and into its families, what has changed in the
// directory: series of plain families that have come or gone. Everything else is planned anew.
#include <algorithm>
#include <utility>

#include "libmetrics/reader/merge.h"
#include "libmetrics/reader/series_edits.h"

namespace metrics::reader {
namespace {

std::size_t edition_at(const Contents& contents, format::Offset family) {
  const auto found =
      std::ranges::lower_bound(contents.families, family, {}, &format::FamilyView::offset);
  return static_cast<std::size_t>(found - contents.families.begin());
}

}  // namespace

// Returns true if all that has changed are series of plain families.
bool SegmentMerge::can_take(const Catalogue& catalogue) const {
  const Contents& contents = catalogue.contents;
  return std::ranges::all_of(catalogue.changed, [&](const Catalogue::Change& change) {
    const std::uint32_t place = change.place;
    const std::uint32_t old = place < series_of_.size() ? series_of_[place] : Shown::kNone;
    if (old != Shown::kNone && (!shown_.families[shown_.series[old].family].is_plain() ||
                                std::ranges::find(overflows_, old) != overflows_.end())) {
      return false;
    }
    const format::SeriesView& record = contents.series[place];
    if (!record.is_live()) return true;
    const std::size_t edition = edition_at(contents, record.family);
    const std::uint32_t family = shown_.family_of[edition];
    return family == Shown::kNone || (shown_.families[family].is_plain() &&
                                      contents.families[edition].overflow != record.offset);
  });
}

// Returns false, and has changed nothing, if everything must be planned anew.
bool SegmentMerge::plan_changes(const Catalogue& catalogue) {
  if (!can_take(catalogue)) return false;
  const Contents& contents = catalogue.contents;
  const std::size_t places = contents.series.size();
  series_of_.resize(places, Shown::kNone);
  shown_.next.resize(places, Shown::kNone);
  shown_.edition_of.resize(places, Shown::kNone);
  std::vector<std::uint64_t> removed;  // first cells
  for (const Catalogue::Change& change : catalogue.changed) {
    const std::uint32_t old = std::exchange(series_of_[change.place], Shown::kNone);
    if (old == Shown::kNone) continue;
    removed.push_back(change.first_cell);
    take_out(old, change.record);
  }
  const std::size_t before = by_cell_.size();
  for (const Catalogue::Change& change : catalogue.changed) {
    if (contents.series[change.place].is_live()) put_in(contents, change.place);
  }
  place_sums(std::move(removed), by_cell_.size() - before);
  if (sum_values_ > samples_at_) {
    samples_at_ = sum_values_ + sum_values_ / 32;
    moved_samples_ = true;
  }
  return true;
}

void SegmentMerge::take_out(std::uint32_t i, format::Offset record) {
  Shown::Series& series = shown_.series[i];
  if (listed_[i]) edits_[series.family].removed.push_back(record);
  free_values_[shown_.families[series.family].cells].push_back(first_values_[i]);
  free_series_.push_back(i);
  series.first = series.last = Shown::kNone;
  listed_[i] = false;
}

void SegmentMerge::put_in(const Contents& contents, std::uint32_t place) {
  const format::SeriesView& record = contents.series[place];
  const std::size_t edition = edition_at(contents, record.family);
  const std::uint32_t family = shown_.family_of[edition];
  shown_.edition_of[place] = static_cast<std::uint32_t>(edition);
  if (family == Shown::kNone) return;
  auto i = static_cast<std::uint32_t>(shown_.series.size());
  if (free_series_.empty()) {
    const std::size_t count = i + std::size_t{1};
    shown_.series.resize(count);
    first_values_.resize(count);
    listed_.resize(count);
    unused_.resize(count);
  } else {
    i = free_series_.back();
    free_series_.pop_back();
  }
  shown_.series[i] = {family, place, place};
  series_of_[place] = i;
  std::vector<std::size_t>& free = free_values_[record.cell_count];
  if (free.empty()) {
    first_values_[i] = sum_values_;
    sum_values_ += record.cell_count;
  } else {
    first_values_[i] = free.back();
    free.pop_back();
  }
  by_cell_.emplace_back(record.first_cell, record.cell_count - 1, first_values_[i]);
  touched_.push_back(i);
}

// Takes the sums that begin at these cells out of those that were there, and puts as many as were
// added last to their places.
void SegmentMerge::place_sums(std::vector<std::uint64_t> removed, std::size_t added) {
  const auto by_cell = [](const Sum& a, const Sum& b) { return a.first_cell < b.first_cell; };
  auto middle = by_cell_.end() - static_cast<std::ptrdiff_t>(added);
  if (!removed.empty()) {
    std::ranges::sort(removed);
    const auto first =
        std::lower_bound(by_cell_.begin(), middle, removed.front(),
                         [](const Sum& s, std::uint64_t cell) { return s.first_cell < cell; });
    const auto kept = std::remove_if(first, middle, [&](const Sum& s) {
      return std::ranges::binary_search(removed, s.first_cell);
    });
    middle = by_cell_.erase(kept, middle);
  }
  std::sort(middle, by_cell_.end(), by_cell);
  if (middle == by_cell_.end()) return;
  const auto first = std::lower_bound(by_cell_.begin(), middle, *middle, by_cell);
  std::inplace_merge(first, middle, by_cell_.end(), by_cell);
}

// Marks series whose records are gone, or are not any more. Returns false if others than those of
// plain families are among them.
bool SegmentMerge::touch_gone() {
  if (gone_ == last_gone_) return true;
  const auto is_in = [](const std::vector<bool>& all, std::size_t i) {
    return i < all.size() && all[i];
  };
  for (std::size_t r = 0; r < std::max(gone_.size(), last_gone_.size()); ++r) {
    if (is_in(gone_, r) == is_in(last_gone_, r) || series_of_[r] == Shown::kNone) continue;
    if (!shown_.families[shown_.series[series_of_[r]].family].is_plain()) return false;
    touched_.push_back(series_of_[r]);
  }
  return true;
}

// Lists what has come, and takes off what has gone; series of processes are listed anew if others
// have samples.
void SegmentMerge::update() {
  for (const std::uint32_t i : touched_) {
    const bool visible = is_visible(i);
    if (shown_.series[i].is_gone() || visible == listed_[i]) continue;
    listed_[i] = visible;
    Edits& edits = edits_[shown_.series[i].family];
    if (visible) {
      edits.added.push_back(i);
    } else {
      edits.removed.push_back(planned_->contents.series[shown_.series[i].first].offset);
    }
  }
  touched_.clear();
  for (auto& [family, edits] : edits_) {
    sort_by_record(edits.added);
    SeriesList added;
    for (const std::uint32_t i : edits.added) list(i, added);
    apply(std::move(edits.removed), added, families_.families[family].series);
  }
  edits_.clear();
  if (gauges_.changed() || moved_samples_) rebuild_processes();
  families_.shape = new_shape();
}

}  // namespace metrics::reader
