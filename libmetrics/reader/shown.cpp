#include "libmetrics/reader/shown.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "libmetrics/reader/identity.h"
#include "libmetrics/reader/seeded.h"

namespace metrics::reader {

std::vector<Label> labels_of(const format::FamilyView& edition, const format::SeriesView& record) {
  std::vector<Label> labels;
  auto string = record.strings.begin();
  if (format::values_of(edition.type) == format::Values::kInfo) {
    for (std::size_t k = 0; k + 1 < record.strings.size(); k += 2) {
      std::string name(*string++);
      labels.push_back({std::move(name), std::string(*string++)});
    }
  } else {
    for (std::size_t k = 0; k < record.strings.size(); ++k) {
      labels.push_back({std::string(edition.labels[k]), std::string(*string++)});
    }
  }
  return labels;
}

namespace {

// Fills in the states of a group of state sets.
void add_states(const Contents& contents, const format::Group& group, Shown::Family& family,
                std::vector<std::vector<std::uint32_t>>& places) {
  std::unordered_map<std::string_view, std::uint32_t, Seeded> by_name;
  const auto add = [&](std::size_t edition) {
    if (!places[edition].empty()) return;
    for (const std::string_view state : contents.families[edition].states) {
      const auto [there, is_new] =
          by_name.emplace(state, static_cast<std::uint32_t>(family.states.size()));
      if (is_new) family.states.push_back(state);
      places[edition].push_back(there->second);
    }
  };
  add(group.last);
  for (const std::size_t edition : group.editions) add(edition);
}

// Returns the live series in the order of their records.
std::vector<std::uint32_t> in_order(const Contents& contents) {
  std::vector<std::uint32_t> order;
  order.reserve(contents.live_series());
  for (std::size_t i = 0; i < contents.series.size(); ++i) {
    if (contents.series[i].is_live()) order.push_back(static_cast<std::uint32_t>(i));
  }
  const auto offset_of = [&](std::uint32_t i) { return contents.series[i].offset; };
  if (!std::ranges::is_sorted(order, {}, offset_of)) std::ranges::sort(order, {}, offset_of);
  return order;
}

}  // namespace

Shown shown(const Contents& contents, std::span<const format::Group> groups) {
  Shown all;
  all.state_places.resize(contents.families.size());
  std::vector<std::uint32_t>& family_of = all.family_of;
  family_of.assign(contents.families.size(), Shown::kNone);
  for (const format::Group& group : groups) {
    if (group.hidden_by) continue;
    bool reached_below_zero = false;
    for (const std::size_t edition : group.editions) {
      family_of[edition] = static_cast<std::uint32_t>(all.families.size());
      const format::FamilyView& f = contents.families[edition];
      reached_below_zero = reached_below_zero || (!f.bounds.empty() && f.bounds.front() < 0) ||
                           (f.native && f.native->negative);
    }
    const format::FamilyView& last = contents.families[group.last];
    all.families.push_back(
        {&last,
         group.editions.size(),
         reached_below_zero,
         group.native,
         format::cell_count(last.type, format::grid_size(last.bounds, group.native)),
         {},
         group.yields_to.has_value()});
    if (last.type == format::Type::kStateSet) {
      add_states(contents, group, all.families.back(), all.state_places);
    }
  }
  std::unordered_map<format::Offset, std::uint32_t, Seeded> by_offset;
  for (std::size_t i = 0; i < contents.families.size(); ++i) {
    by_offset.emplace(contents.families[i].offset, static_cast<std::uint32_t>(i));
  }
  // With room for those that come next: what is moved then would leave memory that nobody uses.
  const std::size_t places = contents.series.size();
  for (auto* by_record : {&all.next, &all.edition_of}) by_record->reserve(places + places / 8);
  all.series.reserve(contents.live_series() + places / 8);
  all.next.assign(places, Shown::kNone);
  all.edition_of.resize(places);
  // Only families with several editions, and infos, can have several records of one series.
  std::unordered_map<std::string, std::size_t, Seeded> by_identity;
  for (const std::uint32_t at : in_order(contents)) {
    const format::SeriesView& record = contents.series[at];
    const std::uint32_t edition = all.edition_of[at] = by_offset.at(record.family);
    const std::uint32_t family = family_of[edition];
    if (family == Shown::kNone) continue;
    const bool is_info =
        format::values_of(contents.families[edition].type) == format::Values::kInfo;
    if (is_info || all.families[family].editions > 1) {
      std::string identity = identity_of(labels_of(contents.families[edition], record));
      identity.append(std::to_string(family));
      const auto [there, is_new] = by_identity.emplace(std::move(identity), all.series.size());
      if (!is_new) {
        Shown::Series& series = all.series[there->second];
        all.next[series.last] = at;
        series.last = at;
        continue;
      }
    }
    all.series.push_back({family, at, at});
  }
  return all;
}

}  // namespace metrics::reader
