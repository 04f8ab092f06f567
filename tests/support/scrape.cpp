#include "tests/support/scrape.h"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "libmetrics/reader/merge.h"
#include "tests/support/eventually.h"

namespace metrics::test {
namespace {

LabelValues values_of(const reader::Series& series) {
  LabelValues values;
  for (const auto& label : series.labels) values.push_back(label.value);
  return values;
}

}  // namespace

Scrape::Scrape(const std::string& file) {
  reader::SegmentMerge merge(file);
  if (!merge.read()) {
    ADD_FAILURE() << merge.why();
    return;
  }
  reader::Reader& reader = merge.reader();
  families_ = merge.families();
  usage_ = reader.usage();
  const auto slots = reader.used_slots();
  heads_ = reader.heads(slots.back());
  const auto catalogue = reader.catalogue();
  EXPECT_EQ(catalogue->faults, std::vector<std::string>());
  for (const auto& s : catalogue->contents.series) {
    if (!s.is_live() || !s.strings.empty()) continue;
    for (const auto& f : catalogue->contents.families) {
      if (f.offset == s.family) first_cells_[std::string(f.name)] = s.first_cell;
    }
  }
  for (const format::SlotIndex slot : slots) {
    cells_[slot].resize(catalogue->cells);
    EXPECT_TRUE(reader.copy_cells(slot, 0, cells_[slot])) << reader.why();
  }
}

Scrape::Found Scrape::find(const std::string& name, const LabelValues& labels) const {
  for (const auto& family : families_.families) {
    if (family.name != name) continue;
    const auto [places, is_new] = places_.try_emplace(name);
    if (is_new) {
      std::size_t place = 0;
      for (const auto& series : family.series) places->second.emplace(values_of(series), place++);
    }
    const auto place = places->second.find(labels);
    if (place != places->second.end()) return {&family, family.series.at(place->second)};
    return {&family, std::nullopt};
  }
  return {};
}

Scrape::Found Scrape::required(const std::string& name, const LabelValues& labels) const {
  const Found found = find(name, labels);
  if (!found.series) ADD_FAILURE() << "no such series of " << name;
  return found;
}

std::uint64_t Scrape::count(const std::string& name, const LabelValues& labels) const {
  const Found found = required(name, labels);
  if (!found.series) return 0;
  if (found.family->type == format::Type::kCounter) return families_.counter(*found.series).whole;
  const auto buckets = families_.buckets(*found.family, *found.series);
  return std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
}

std::uint64_t Scrape::sum_of_counts(const std::string& name) const {
  std::uint64_t sum = 0;
  for (const auto& family : families_.families) {
    if (family.name != name) continue;
    for (const auto& series : family.series) {
      if (family.type == format::Type::kCounter) {
        sum += families_.counter(series).whole;
        continue;
      }
      const auto buckets = families_.buckets(family, series);
      sum = std::accumulate(buckets.begin(), buckets.end(), sum);
    }
  }
  return sum;
}

double Scrape::sum(const std::string& name, const LabelValues& labels) const {
  const Found found = required(name, labels);
  if (!found.series) return std::numeric_limits<double>::quiet_NaN();
  if (found.family->type == format::Type::kCounter) {
    return families_.counter(*found.series).fraction;
  }
  return families_.sum(*found.family, *found.series);
}

std::vector<std::uint64_t> Scrape::buckets(const std::string& name,
                                           const LabelValues& labels) const {
  const Found found = required(name, labels);
  if (!found.series) return {};
  const auto buckets = families_.buckets(*found.family, *found.series);
  return {buckets.begin(), buckets.end()};
}

std::optional<double> Scrape::gauge(const std::string& name) const {
  const Found found = find(name, {});
  if (!found.series) return std::nullopt;
  return families_.gauge(*found.series);
}

std::map<std::string, double> Scrape::by_first_label(const std::string& name) const {
  std::map<std::string, double> values;
  for (const auto& family : families_.families) {
    if (family.name != name) continue;
    for (const auto& series : family.series) {
      const std::string& value = series.labels.at(0).value;
      const bool is_new = values.emplace(value, families_.gauge(series)).second;
      EXPECT_TRUE(is_new) << "two samples of " << name << " with " << value;
    }
  }
  return values;
}

std::map<std::string, double> Scrape::by_pid(const std::string& name) const {
  for (const auto& family : families_.families) {
    if (family.name != name) continue;
    for (const auto& series : family.series) EXPECT_EQ(series.labels.at(0).name, "pid");
  }
  return by_first_label(name);
}

bool Scrape::has(const std::string& name, const LabelValues& labels) const {
  return find(name, labels).series.has_value();
}

std::size_t Scrape::series_count(const std::string& name) const {
  const Found found = find(name, {});
  return found.family == nullptr ? 0 : found.family->series.size();
}

std::uint64_t Scrape::in_slot(format::SlotIndex slot, const std::string& name) const {
  const auto cells = cells_.find(slot);
  const auto first = first_cells_.find(name);
  if (cells == cells_.end() || first == first_cells_.end()) {
    ADD_FAILURE() << "slot " << slot << " was never used, or there is no " << name;
    return 0;
  }
  return cells->second.at(first->second);
}

format::Ownership owner_of(const std::string& file, format::SlotIndex first_slot) {
  reader::Reader reader(file);
  EXPECT_TRUE(reader.look()) << reader.why();
  return reader.owner(first_slot);
}

bool becomes_free(const std::string& file, format::SlotIndex first_slot) {
  return eventually(
      [&] { return owner_of(file, first_slot).state == format::Ownership::State::kFree; });
}

}  // namespace metrics::test
