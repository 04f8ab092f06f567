#include "aggregator/scrape/combine.h"

#include <algorithm>
#include <utility>

#include "libmetrics/format/editions.h"
#include "libmetrics/format/types.h"
#include "libmetrics/reader/identity.h"

namespace metrics::scrape {
namespace {

std::vector<reader::Label> labelled(const std::vector<reader::Label>& given,
                                    const std::string& segment) {
  std::vector<reader::Label> labels;
  labels.reserve(given.size() + 1);
  labels = given;
  if (segment.empty()) return labels;
  reader::move_aside(labels, "segment");
  labels.push_back({"segment", segment});
  return labels;
}

// Returns a number that changes whenever other families, or other series of them, are to be shown.
std::uint64_t shape_of(const Source& source) noexcept {
  return source.left_out == nullptr ? source.families->shape : source.left_out->shape;
}

// A forged file can be at odds with others in any number of families and series.
constexpr std::size_t kMostLeftOut = 100;

// Returns what distinguishes families whose series have other values, without ambiguity: a forged
// file chooses its bounds.
std::string key_of(const reader::Family& family) {
  std::string key;
  if (const auto& n = family.native) {
    for (const int part : {n->schema, n->low, n->high, n->negative ? 1 : 0}) {
      key += std::to_string(part) + ',';
    }
  }
  key += ';';
  return key.append(reinterpret_cast<const char*>(family.bounds.data()),
                    family.bounds.size() * sizeof(double));
}

template <class Copies, class Values>
void copy_all(const Copies& copies, const Values& from, Values& to) {
  for (const auto& c : copies) {
    std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(c.from), c.count,
                to.begin() + static_cast<std::ptrdiff_t>(c.to));
  }
}

// Adds a copy. Values that are neighbours in both places are copied together.
template <class Copies>
void add_copy(Copies& copies, std::size_t from, std::size_t to, std::size_t count) {
  if (!copies.empty() && copies.back().from + copies.back().count == from &&
      copies.back().to + copies.back().count == to) {
    copies.back().count += count;
  } else if (count > 0) {
    copies.push_back({from, to, count});
  }
}

}  // namespace

const reader::Families& Combine::operator()(std::span<const Source> sources) {
  const bool same =
      combined_.shape != 0 &&
      std::equal(sources.begin(), sources.end(), shapes_.begin(), shapes_.end(),
                 [](const Source& s, std::uint64_t shape) { return shape_of(s) == shape; }) &&
      std::equal(sources.begin(), sources.end(), segments_.begin(), segments_.end(),
                 [](const Source& s, const std::string& segment) { return s.segment == segment; });
  if (!same) rebuild(sources);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    copy_all(copies_[i].values, sources[i].families->values, combined_.values);
    copy_all(copies_[i].exemplars, sources[i].families->exemplars, combined_.exemplars);
  }
  return combined_;
}

void Combine::rebuild(std::span<const Source> sources) {
  shapes_.clear();
  segments_.clear();
  copies_.clear();
  by_sample_name_.clear();
  left_out_.clear();
  combined_ = reader::Families{};
  combined_.shape = reader::new_shape();
  for (const Source& source : sources) {
    shapes_.push_back(shape_of(source));
    segments_.push_back(source.segment);
    add(source, copies_.emplace_back());
  }
  for (Group& group : groups_) {
    for (reader::Family& part : group.parts) {
      // A summary is a histogram without bounds; a family of both is one of histograms.
      if (group.has_buckets) part.type = format::Type::kHistogram;
      combined_.families.push_back(std::move(part));
    }
  }
  groups_.clear();
}

// Returns the group that the family's series belong to; nullptr if the family must be left out.
Combine::Group* Combine::group_of(const reader::Family& family, bool reserved,
                                  const std::string& where) {
  const auto names = format::sample_names(family.type, family.name);
  const auto owner = std::find_if(names.begin(), names.end(),
                                  [&](const auto& name) { return by_sample_name_.contains(name); });
  if (owner == names.end()) {
    for (const auto& name : names) by_sample_name_.emplace(name, groups_.size());
    Group& group = groups_.emplace_back();
    group.reserved = reserved;
    return &group;
  }
  const std::size_t index = by_sample_name_.at(*owner);
  Group& group = groups_[index];
  const reader::Family& there = group.parts.front();
  const bool all_are_its = std::all_of(names.begin(), names.end(), [&](const auto& name) {
    const auto known = by_sample_name_.find(name);
    return known == by_sample_name_.end() || known->second == index;
  });
  if (all_are_its && !group.reserved &&
      format::are_one(there.type, there.name, family.type, family.name)) {
    for (const auto& name : names) by_sample_name_.emplace(name, index);
    return &group;
  }
  leave_out(std::string(format::to_string(family.type)) + " \"" + family.name + '"' + where +
            " is left out: it conflicts with the " + std::string(format::to_string(there.type)) +
            " \"" + there.name + "\" of an earlier source");
  return nullptr;
}

void Combine::leave_out(std::string what) {
  if (left_out_.size() > kMostLeftOut) return;
  if (left_out_.size() == kMostLeftOut) what = "more families and series are left out";
  left_out_.push_back(std::move(what));
}

void Combine::Group::learn_labels() {
  for (const reader::Family& part : parts) {
    for (const reader::Series& series : part.series) {
      labels.insert(reader::identity_of(series.labels));
    }
  }
}

void Combine::add(const Source& source, Copies& copies) {
  const std::string where = source.segment.empty() ? "" : " of segment " + source.segment;
  std::size_t next = 0;  // the number of the family's first series
  for (const reader::Family& family : source.families->families) {
    std::size_t number = std::exchange(next, next + family.series.size());
    Group* group = group_of(family, source.reserved, where);
    if (group == nullptr) continue;
    group->has_buckets = group->has_buckets || format::has_buckets(family.type);
    const auto [part_at, is_new] =
        group->by_bounds.try_emplace(key_of(family), group->parts.size());
    if (is_new) {
      const bool continues = !group->parts.empty();
      group->parts.push_back({family.name,
                              family.help,
                              family.unit,
                              family.type,
                              family.bounds,
                              {},
                              continues,
                              false,
                              family.native,
                              family.positions,
                              family.yields});
    }
    reader::Family& part = group->parts[part_at->second];
    part.reached_below_zero = part.reached_below_zero || family.reached_below_zero;
    part.series.reserve(part.series.size() + family.series.size());
    // The series of one source differ in their labels.
    const bool alone = group->sources++ == 0;
    if (group->sources == 2) group->learn_labels();
    for (const reader::Series& series : family.series) {
      if (source.left_out != nullptr && source.left_out->series[number++]) continue;
      std::vector<reader::Label> labels = labelled(series.labels, source.segment);
      if (!alone && !group->labels.insert(reader::identity_of(labels)).second) {
        leave_out("a series of \"" + family.name + '"' + where +
                  " is left out: an earlier source has one with the same labels");
        continue;
      }
      const std::size_t count = reader::value_count(family);
      const std::size_t to = combined_.values.size();
      combined_.values.resize(to + count);
      part.series.push_back({std::move(labels), to, 0, series.created_ns});
      add_copy(copies.values, series.first_value, to, count);
      if (!series.may_have_exemplars()) continue;
      part.series.back().exemplars = static_cast<std::uint32_t>(combined_.exemplars.size());
      add_copy(copies.exemplars, series.exemplars, combined_.exemplars.size(), 1);
      combined_.exemplars.emplace_back();
    }
  }
}

}  // namespace metrics::scrape
