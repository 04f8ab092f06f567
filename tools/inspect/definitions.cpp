#include "tools/inspect/definitions.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "aggregator/command_line.h"
#include "libmetrics/format/editions.h"
#include "libmetrics/format/types.h"
#include "libmetrics/reader/shown.h"

namespace metrics::inspect {
namespace {

// Adds the labels that samples of that family have.
void add_labels(const reader::Catalogue& catalogue, const format::FamilyView& family,
                std::set<std::string>& labels) {
  labels.insert(family.labels.begin(), family.labels.end());
  if (format::has_buckets(family.type)) labels.emplace("le");
  if (family.type == format::Type::kStateSet) labels.emplace(family.name);
  if (family.mode == format::Mode::kAll || family.mode == format::Mode::kLiveAll) {
    if (family.type == format::Type::kGauge) labels.emplace("pid");
  }
  if (format::values_of(family.type) != format::Values::kInfo) return;
  for (const format::SeriesView& s : catalogue.contents.series) {
    if (!s.is_live() || s.family != family.offset) continue;
    for (reader::Label& label : reader::labels_of(family, s)) labels.insert(std::move(label.name));
  }
}

}  // namespace

bool is_named(const format::FamilyView& family, const Selector& selector) {
  const auto names = format::sample_names(family.type, family.name);
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return selector.names(name); });
}

std::vector<std::size_t> definitions_of(const reader::Catalogue& catalogue,
                                        const Selector& selector) {
  std::vector<std::size_t> definitions;
  const auto& families = catalogue.contents.families;
  for (std::size_t i = 0; i < families.size(); ++i) {
    if (is_named(families[i], selector)) definitions.push_back(i);
  }
  return definitions;
}

std::string unknown_label(const reader::Catalogue& catalogue, const Selector& selector,
                          const std::vector<std::size_t>& definitions) {
  if (!selector.has_labels() || definitions.empty()) return "";
  std::set<std::string> labels = {"__name__"};
  for (const std::size_t at : definitions) {
    add_labels(catalogue, catalogue.contents.families[at], labels);
  }
  const auto unknown = std::find_if(selector.labels.begin(), selector.labels.end(),
                                    [&](const Matcher& m) { return !labels.contains(m.label); });
  if (unknown == selector.labels.end()) return "";
  labels.erase("__name__");
  std::string text = "it has no label \"" + unknown->label + '"';
  if (labels.empty()) return text + ", and no other";
  std::string_view before = labels.size() == 1 ? "; its label is " : "; its labels are ";
  for (const std::string& label : labels) {
    text.append(before).append(label);
    before = ", ";
  }
  return text;
}

std::string similar_name(const reader::Catalogue& catalogue, const Selector& selector) {
  if (selector.is_pattern()) return "";
  std::vector<std::string> names;
  for (const format::FamilyView& f : catalogue.contents.families) {
    for (std::string& name : format::sample_names(f.type, f.name)) names.push_back(std::move(name));
  }
  return aggregator::did_you_mean(selector.name, names);
}

std::string why_no_sample(const reader::Catalogue& catalogue, const Selector& selector,
                          const std::string& text) {
  const std::vector<std::size_t> named = definitions_of(catalogue, selector);
  const std::string nothing = "no sample matches " + text;
  if (named.empty()) return nothing + similar_name(catalogue, selector) + "; 'dump' shows all";
  if (const std::string unknown = unknown_label(catalogue, selector, named); !unknown.empty()) {
    return nothing + ": " + unknown;
  }
  return nothing + (selector.has_labels()
                        ? ": no series has these labels; without them all are shown"
                        : "; 'why' with the same name says why");
}

}  // namespace metrics::inspect
