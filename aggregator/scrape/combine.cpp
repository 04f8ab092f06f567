#include "aggregator/scrape/combine.h"

#include <algorithm>
#include <utility>

#include "libmetrics/format/editions.h"
#include "libmetrics/format/types.h"
#include "libmetrics/reader/identity.h"

namespace metrics::scrape {
namespace {

// Returns a number that changes whenever other families, or other series of them, are to be shown.
std::uint64_t shape_of(const Source& source) noexcept {
  return source.left_out == nullptr ? source.families->shape : source.left_out->shape;
}

constexpr std::string_view kSegment = "segment";
using Entry = reader::SeriesList::Entry;

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
  formerly_made_ = std::exchange(made_, {});
  groups_.clear();
  combined_.shape = 0;
  combined_.families.clear();
  Base end;
  for (const Source& source : sources) {
    shapes_.push_back(shape_of(source));
    segments_.push_back(source.segment);
    bases_.push_back(end);
    add(source, end);
    end.values += source.families->values.size();
    end.exemplars += source.families->exemplars.size();
  }
  if (combined_.values.empty()) combined_.values.reserve(end.values + end.values / 8);
  combined_.values.resize(end.values);
  combined_.exemplars.resize(end.exemplars);
  formerly_made_.clear();
  for (Group& group : groups_) {
    for (reader::Family& part : group.parts) {
      // A summary is a histogram without bounds; a family of both is one of histograms.
      if (group.has_buckets) part.type = format::Type::kHistogram;
      combined_.families.push_back(std::move(part));
    }
  }
  groups_.clear();
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

// Gives a label `segment` that series of the chunk have another name, for the one that they get.
void Combine::move_segment_aside(Entry& entry) {
  const auto has_segment = [](const std::shared_ptr<const reader::LabelNames>& names) {
    return std::ranges::find(*names, kSegment) != names->end();
  };
  if (std::ranges::none_of(entry.chunk->names(), has_segment)) return;
  const std::uint64_t number = entry.chunk->number();
  Made made;
  if (const auto there = formerly_made_.find(number);
      there != formerly_made_.end() && there->second.without.empty()) {
    made = there->second;
  } else {
    std::vector<std::shared_ptr<const reader::LabelNames>> names;
    for (const auto& former : entry.chunk->names()) {
      std::vector<reader::Label> labels;
      for (const std::string& name : *former) labels.push_back({name, {}});
      reader::move_aside(labels, kSegment);
      auto moved = std::make_shared<reader::LabelNames>();
      for (reader::Label& label : labels) moved->push_back(std::move(label.name));
      names.push_back(std::move(moved));
    }
    made.chunk = entry.chunk->renamed(std::move(names));
  }
  entry.chunk = made.chunk;
  made_[number] = std::move(made);
}

// Returns which of a chunk's series must be left out: empty if none. The first one has that number
// in the source.
std::vector<bool> Combine::left_out_of(const Source& source, std::size_t first, const Entry& entry,
                                       Group& group, const std::string& family) {
  std::vector<bool> without;
  if (source.left_out == nullptr && group.are_apart) return without;
  for (std::size_t i = 0; i < entry.chunk->size(); ++i) {
    const bool is_expired = source.left_out != nullptr && source.left_out->series[first + i];
    const bool is_second = !is_expired && !group.are_apart &&
                           !group.labels.insert(reader::identity_of(entry.at(i).labels)).second;
    if (is_second) {
      leave_out("a series of " + family +
                " is left out: an earlier source has one with the same labels");
    }
    if (!is_expired && !is_second) continue;
    without.resize(entry.chunk->size());
    without[i] = true;
  }
  return without;
}

// Takes series out of a chunk; not all of them.
void Combine::take_out(const std::vector<bool>& without, Entry& entry) {
  const std::uint64_t number = entry.chunk->number();
  Made made{without, nullptr};
  if (const auto there = formerly_made_.find(number);
      there != formerly_made_.end() && there->second.without == without) {
    made = there->second;
  } else {
    auto chunk = std::make_shared<reader::SeriesChunk>();
    for (std::size_t i = 0; i < without.size(); ++i) {
      if (!without[i]) chunk->add(*entry.chunk, i);
    }
    made.chunk = std::move(chunk);
  }
  entry.chunk = made.chunk;
  made_[number] = std::move(made);
}

void Combine::add(const Source& source, const Base& base) {
  const std::string where = source.segment.empty() ? "" : " of segment " + source.segment;
  std::shared_ptr<const reader::Label> label;
  if (!source.segment.empty()) {
    label =
        std::make_shared<const reader::Label>(reader::Label{std::string(kSegment), source.segment});
  }
  std::size_t next = 0;  // the number of the family's first series
  for (const reader::Family& family : source.families->families) {
    const std::size_t number = std::exchange(next, next + family.series.size());
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
    for (Entry entry : family.series.entries()) {
      const std::size_t first = number + entry.begin;
      if (label != nullptr) move_segment_aside(entry);
      if (label != nullptr) entry.last = label;
      entry.values += base.values;
      entry.exemplars += static_cast<std::uint32_t>(base.exemplars);
      const std::vector<bool> without =
          left_out_of(source, first, entry, *group, '"' + family.name + '"' + where);
      if (std::ranges::find(without, false) == without.end() && !without.empty()) continue;
      if (!without.empty()) take_out(without, entry);
      part.series.append(std::move(entry));
    }
  }
}

}  // namespace metrics::scrape
