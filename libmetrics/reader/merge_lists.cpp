// merge_lists.cpp -- makes the lists of series that a merge shows.
#include <algorithm>
#include <memory>
#include <utility>

#include "libmetrics/format/gauge_value.h"
#include "libmetrics/reader/identity.h"
#include "libmetrics/reader/merge.h"

namespace metrics::reader {
namespace {

// Returns the type that a family is shown as: numbers of processes are no states.
format::Type shown_type(const format::FamilyView& last) {
  const bool is_number =
      last.type == format::Type::kStateSet && last.mode == format::Mode::kLiveSum;
  return is_number ? format::Type::kGauge : last.type;
}

}  // namespace

void SegmentMerge::rebuild() {
  families_.families.clear();
  for (const Shown::Family& shown : shown_.families) {
    const format::FamilyView& f = *shown.last;
    families_.families.push_back(
        {std::string(f.name),
         std::string(f.help),
         std::string(f.unit),
         shown_type(f),
         {f.bounds.begin(), f.bounds.end()},
         {},
         false,
         shown.reached_below_zero,
         shown.native,
         shown.native ? format::positions_of(f.bounds, shown.native) : std::vector<std::uint32_t>(),
         shown.yields});
  }
  touched_.clear();
  edits_.clear();
  std::vector<std::uint32_t> listed;
  for (std::uint32_t i = 0; i < shown_.series.size(); ++i) {
    const Shown::Series& series = shown_.series[i];
    if (series.is_gone() || format::is_of_processes(families_.families[series.family].type)) {
      continue;
    }
    listed_[i] = is_visible(i);
    if (listed_[i]) listed.push_back(i);
  }
  sort_by_record(listed);
  for (const std::uint32_t i : listed) list(i, families_.families[shown_.series[i].family].series);
  rebuild_processes();
  families_.shape = new_shape();
}

// Brings series of sums in the order of their first records.
void SegmentMerge::sort_by_record(std::vector<std::uint32_t>& series) const {
  const auto record_of = [&](std::uint32_t i) {
    return planned_->contents.series[shown_.series[i].first].offset;
  };
  if (!std::ranges::is_sorted(series, {}, record_of)) std::ranges::sort(series, {}, record_of);
}

// Finds the editions whose series' labels are the edition's names, as they are.
void SegmentMerge::plan_names() {
  const auto& families = planned_->contents.families;
  names_.assign(families.size(), nullptr);
  for (std::size_t e = 0; e < families.size(); ++e) {
    const std::uint32_t family = shown_.family_of[e];
    if (family == Shown::kNone || format::values_of(families[e].type) == format::Values::kInfo) {
      continue;
    }
    const format::FamilyView& last = *shown_.families[family].last;
    const auto& labels = families[e].labels;
    const bool has_quantile = std::ranges::find(labels, "quantile") != labels.end();
    if (format::is_of_processes(last.type) ||
        (has_quantile && shown_type(last) == format::Type::kSummary)) {
      continue;  // see labels_of_series()
    }
    names_[e] = std::make_shared<const LabelNames>(labels.begin(), labels.end());
  }
}

std::vector<Label> SegmentMerge::labels_of_series(std::size_t i) const {
  const Contents& contents = planned_->contents;
  const Shown::Series& series = shown_.series[i];
  const Shown::Family& shown = shown_.families[series.family];
  const auto& edition = contents.families[shown_.edition_of[series.first]];
  std::vector<Label> labels = labels_of(edition, contents.series[series.first]);
  // An older edition may have had a label that the last one's type or mode gives to samples.
  if (shown_type(*shown.last) == format::Type::kSummary) move_aside(labels, "quantile");
  if (shown.last->type != format::Type::kInfo && format::is_of_processes(shown.last->type) &&
      format::is_per_process(shown.last->mode)) {
    move_aside(labels, "pid");
  }
  return labels;
}

// Returns true if a series of sums is to be listed now.
bool SegmentMerge::is_visible(std::size_t i) const {
  return !shown_.series[i].is_gone() && !is_gone(shown_.series[i]) && !unused_[i];
}

// Appends a series of sums as families list it.
void SegmentMerge::list(std::size_t i, SeriesList& to) const {
  const Contents& contents = planned_->contents;
  const Shown::Series& series = shown_.series[i];
  const format::SeriesView& first = contents.series[series.first];
  std::uint64_t created_ns = ~std::uint64_t{0};
  for (std::uint32_t r = series.first; r != Shown::kNone; r = shown_.next[r]) {
    created_ns = std::min(created_ns, contents.series[r].created_ns);
  }
  const std::uint32_t exemplars = i < exemplars_of_.size() ? exemplars_of_[i] : Series::kNone;
  const Series facts{{}, first_values_[i], first.offset, created_ns, exemplars};
  if (const auto& names = names_[shown_.edition_of[series.first]]) {
    to.push_back(names, first.strings, facts);
  } else {
    to.push_back(labels_of_series(i), facts);
  }
}

// Lists the series of processes anew: which there are depends on the values that are set.
void SegmentMerge::rebuild_processes() {
  const auto& samples = gauges_.samples();
  for (std::size_t f = 0; f < shown_.families.size(); ++f) {
    Family& family = families_.families[f];
    if (format::is_of_processes(family.type)) family.series.clear();
  }
  std::size_t next_sample = 0;
  for (const std::uint32_t i : of_processes_) {
    const Shown::Series& series = shown_.series[i];
    const Shown::Family& shown = shown_.families[series.family];
    Family& family = families_.families[series.family];
    const std::vector<Label> labels = labels_of_series(i);
    for (; next_sample < samples.size() && samples[next_sample].series == i; ++next_sample) {
      std::vector<Label> all;
      all.reserve(labels.size() + 2);
      all = labels;
      if (!shown.states.empty()) {
        all.push_back({family.name, std::string(shown.states[samples[next_sample].state])});
      }
      if (const std::string& pid = samples[next_sample].pid; !pid.empty()) {
        all.push_back({"pid", pid});
      }
      family.series.push_back(all, {{}, samples_at_ + next_sample});
    }
  }
  families_.values.resize(samples_at_ + samples.size());
  moved_samples_ = false;
}

}  // namespace metrics::reader
