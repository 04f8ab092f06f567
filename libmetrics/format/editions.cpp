#include "libmetrics/format/editions.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "libmetrics/format/escaping.h"

namespace metrics::format {
namespace {

std::string bound_text(double v) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, v).ptr;
  return {buffer, end};
}

template <class Strings>
std::string listed(const Strings& strings) {
  std::string text = "(";
  for (const auto& s : strings) text.append(text.size() > 1 ? ", " : "").append(s);
  return text + ')';
}

template <class Family>
std::string describe(const Family& f) {
  std::string text = std::string(to_string(f.type)) + " \"" + std::string(f.name) + '"';
  if (values_of(f.type) == Values::kGauge || f.type == Type::kStateSet || f.mode != Mode{}) {
    text += " of mode " + std::string(to_string(f.mode));
  }
  if (!f.unit.empty()) text += " of unit " + std::string(f.unit);
  text += " with labels " + listed(f.labels);
  if (has_buckets(f.type)) {
    std::vector<std::string> bounds;
    for (const double b : f.bounds) bounds.push_back(bound_text(b));
    text += " and bounds " + listed(bounds);
    if (f.native) {
      text += " and native buckets of schema " + std::to_string(f.native->schema) + " from 2^" +
              std::to_string(f.native->low) + " to 2^" + std::to_string(f.native->high);
      if (f.native->negative) text += " of both signs";
    }
  }
  if (f.type == Type::kStateSet) text += " and states " + listed(f.states);
  return text;
}

// Finds out which of the served groups yield to another one. The groups are given as indices, those
// that were opened last first.
void find_yielding(std::span<const FamilyView> families, std::span<const std::size_t> latest_first,
                   std::vector<Group>& groups) {
  const auto is_legacy = [](const FamilyView& f) {
    return is_legacy_name(f.name, NameOf::kFamily);
  };
  if (std::ranges::all_of(families, is_legacy)) return;
  std::map<std::string, std::size_t> taken;  // escaped sample name -> the last edition that has it
  for (const std::size_t g : latest_first) {
    Group& group = groups[g];
    if (group.hidden_by) continue;
    const FamilyView& last = families[group.last];
    std::vector<std::string> names = sample_names(last.type, last.name);
    for (std::string& name : names) {
      name = escaped(name, Escaping::kUnderscores, NameOf::kFamily);
      const auto there = taken.find(name);
      if (there != taken.end()) group.yields_to = there->second;
    }
    if (group.yields_to) continue;
    for (std::string& name : names) taken.emplace(std::move(name), group.last);
  }
}

}  // namespace

bool are_one(Type a, std::string_view name_of_a, Type b, std::string_view name_of_b) noexcept {
  return name_of_a == name_of_b && values_of(a) == values_of(b);
}

bool collide(Type a, std::string_view name_of_a, Type b, std::string_view name_of_b) {
  if (are_one(a, name_of_a, b, name_of_b)) return false;
  const auto names = sample_names(a, name_of_a);
  const auto others = sample_names(b, name_of_b);
  return std::find_first_of(names.begin(), names.end(), others.begin(), others.end()) !=
         names.end();
}

bool is_edition(const FamilyView& there, const Definition& d) noexcept {
  return there.name == d.name && there.type == d.type && there.mode == d.mode &&
         there.unit == d.unit && there.native == d.native &&
         std::equal(there.labels.begin(), there.labels.end(), d.labels.begin(), d.labels.end()) &&
         std::equal(there.bounds.begin(), there.bounds.end(), d.bounds.begin(), d.bounds.end()) &&
         std::equal(there.states.begin(), there.states.end(), d.states.begin(), d.states.end());
}

std::string described(const FamilyView& family) { return describe(family); }
std::string described(const Definition& definition) { return describe(definition); }

std::vector<Group> grouped(std::span<const FamilyView> families) {
  std::vector<Group> groups;
  std::map<std::pair<std::string_view, Values>, std::size_t> by_name;  // those that are one
  for (std::size_t i = 0; i < families.size(); ++i) {
    const FamilyView& f = families[i];
    const auto [there, is_new] = by_name.try_emplace({f.name, values_of(f.type)}, groups.size());
    if (is_new) {
      groups.push_back({{i}, i});
      continue;
    }
    Group& group = groups[there->second];
    group.editions.push_back(i);
    if (f.opened > families[group.last].opened) group.last = i;
  }

  for (Group& group : groups) {
    group.native = families[group.last].native;
    if (!group.native) continue;
    for (const std::size_t edition : group.editions) {
      const auto& theirs = families[edition].native;
      if (theirs) group.native = joined(*group.native, *theirs);
    }
  }

  std::vector<std::size_t> latest_first(groups.size());
  for (std::size_t g = 0; g < groups.size(); ++g) latest_first[g] = g;
  std::stable_sort(latest_first.begin(), latest_first.end(), [&](std::size_t a, std::size_t b) {
    return families[groups[a].last].opened > families[groups[b].last].opened;
  });
  std::map<std::string, std::size_t> served;  // sample name -> the last edition that has it
  for (const std::size_t g : latest_first) {
    Group& group = groups[g];
    std::vector<std::string> names;
    for (const std::size_t edition : group.editions) {
      const FamilyView& f = families[edition];
      std::ranges::move(sample_names(f.type, f.name), std::back_inserter(names));
    }
    for (const std::string& name : names) {
      const auto there = served.find(name);
      if (there != served.end()) group.hidden_by = there->second;
    }
    if (group.hidden_by) continue;
    for (std::string& name : names) served.emplace(std::move(name), group.last);
  }
  find_yielding(families, latest_first, groups);
  return groups;
}

}  // namespace metrics::format
