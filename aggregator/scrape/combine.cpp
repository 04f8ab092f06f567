#include "aggregator/scrape/combine.h"

#include <algorithm>
#include <utility>

#include "libmetrics/format/editions.h"
#include "libmetrics/format/types.h"
#include "libmetrics/reader/identity.h"
#include "libmetrics/reader/number_walk.h"

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

template <class Values>
void copy_to(const Values& from, Values& to, std::size_t at) {
  const std::size_t count = std::min(from.size(), to.size() - at);
  std::copy_n(from.begin(), count, to.begin() + static_cast<std::ptrdiff_t>(at));
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
    copy_to(sources[i].families->values, combined_.values, bases_[i].values);
    copy_to(sources[i].families->exemplars, combined_.exemplars, bases_[i].exemplars);
  }
  return combined_;
}

void Combine::rebuild(std::span<const Source> sources) {
  shapes_.clear();
  segments_.clear();
  bases_.clear();
  by_sample_name_.clear();
  left_out_.clear();
  // Without a shape, an exception has left them incomplete.
  if (combined_.shape == 0) made_.clear();
  former_ = std::move(combined_.families);
  formerly_made_ = std::exchange(made_, {});
  groups_.clear();
  combined_ = reader::Families{};
  for (const Source& source : sources) {
    shapes_.push_back(shape_of(source));
    segments_.push_back(source.segment);
    bases_.push_back({combined_.values.size(), combined_.exemplars.size()});
    combined_.values.resize(combined_.values.size() + source.families->values.size());
    combined_.exemplars.resize(combined_.exemplars.size() + source.families->exemplars.size());
    add(source, bases_.back());
  }
  former_ = {};
  formerly_made_.clear();
  std::vector<std::size_t> first_parts;
  for (Group& group : groups_) {
    first_parts.push_back(combined_.families.size());
    for (reader::Family& part : group.parts) {
      // A summary is a histogram without bounds; a family of both is one of histograms.
      if (group.has_buckets) part.type = format::Type::kHistogram;
      combined_.families.push_back(std::move(part));
    }
  }
  groups_.clear();
  for (auto& [key, made] : made_) made.part += first_parts[made.group];
  combined_.shape = reader::new_shape();
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

// Takes over all of what was made of a family's series, if it was made of the first of them and of
// nothing else. Returns of how many.
std::size_t Combine::take_all(const reader::Family& family, Made& former, Made& made,
                              reader::Family& part) {
  if (former.from.empty() || former.from.size() > family.series.size()) return 0;
  std::vector<reader::Series>& series = former_[former.part].series;
  const bool is_prefix = series.size() == former.from.size() &&
                         std::equal(former.from.begin(), former.from.end(), family.series.begin(),
                                    [](std::uint64_t number, const reader::Series& s) {
                                      return number != 0 && number == s.number;
                                    });
  if (!is_prefix) return 0;
  part.series = std::move(series);
  made.from = std::move(former.from);
  if (made.base == former.base) return made.from.size();
  for (reader::Series& s : part.series) {
    s.first_value += made.base.values - former.base.values;
    if (!s.may_have_exemplars()) continue;
    s.exemplars += static_cast<std::uint32_t>(made.base.exemplars - former.base.exemplars);
  }
  return made.from.size();
}

void Combine::add(const Source& source, const Base& base) {
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
    const bool is_first = group->segments.empty();
    const bool is_apart = group->segments.insert(source.segment).second &&
                          (is_first || !group->segments.contains(""));
    if (group->are_apart && !is_apart) group->learn_labels();
    group->are_apart = group->are_apart && is_apart;
    const std::string made_key = source.segment + '\xff' + family.name + '\xff' +
                                 std::string(format::to_string(family.type)) + key_of(family);
    const auto there = formerly_made_.find(made_key);
    Made none;
    Made& former = there == formerly_made_.end() ? none : there->second;
    Made& made = made_[made_key];
    made = {{},
            static_cast<std::size_t>(group - groups_.data()),
            part_at->second,
            part.series.size(),
            base};
    const bool is_whole = is_new && group->are_apart && source.left_out == nullptr;
    std::size_t next_series = is_whole ? take_all(family, former, made, part) : 0;
    const std::size_t rest = family.series.size() - next_series;
    if (next_series == 0) {
      part.series.reserve(part.series.size() + rest);
      made.from.reserve(rest);
    }
    reader::NumberWalk walk(next_series == 0 ? former.from : none.from);
    for (; next_series < family.series.size(); ++next_series) {
      const reader::Series& series = family.series[next_series];
      if (source.left_out != nullptr && source.left_out->series[number++]) continue;
      const auto place = walk.find(series.number);
      reader::Series* const formerly =
          place ? &former_[former.part].series[former.first + *place] : nullptr;
      const std::uint64_t own_number =
          formerly != nullptr ? formerly->number : reader::new_number();
      std::vector<reader::Label> labels = formerly != nullptr
                                              ? std::move(formerly->labels)
                                              : labelled(series.labels, source.segment);
      if (!group->are_apart && !group->labels.insert(reader::identity_of(labels)).second) {
        leave_out("a series of \"" + family.name + '"' + where +
                  " is left out: an earlier source has one with the same labels");
        continue;
      }
      part.series.push_back({std::move(labels), base.values + series.first_value, 0,
                             series.created_ns, reader::Series::kNone, own_number});
      made.from.push_back(series.number);
      if (!series.may_have_exemplars()) continue;
      part.series.back().exemplars = static_cast<std::uint32_t>(base.exemplars) + series.exemplars;
    }
  }
}

}  // namespace metrics::scrape
