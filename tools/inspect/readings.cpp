#include "tools/inspect/readings.h"

#include <cmath>
#include <type_traits>
#include <utility>

#include "aggregator/exposition/number.h"
#include "libmetrics/format/types.h"

namespace metrics::inspect {
namespace {

using format::Values;

// The sum of a histogram with bounds below zero is no counter.
bool counts_up(const reader::Family& family, const std::string& sample_name) {
  const Values values = format::values_of(family.type);
  if (values == Values::kWholeAndFraction) return true;
  if (values != Values::kCounts) return false;
  return !reader::reaches_below_zero(family) || !sample_name.ends_with(format::kSumEnding);
}

Unit rate_unit_of(const reader::Family& family, const std::string& sample_name) {
  const bool is_sum = sample_name.ends_with(format::kSumEnding);
  if (format::values_of(family.type) == Values::kCounts && !is_sum) return Unit::kNone;
  return rate_unit(unit_of(family.name, family.unit));
}

// Returns true if the later number is less, or the series is another one.
bool began_anew(const Reading& before, const Reading& after) {
  if (before.record != after.record || before.created_ns != after.created_ns) return true;
  const Number &a = before.number, &b = after.number;
  if (a.is_whole && b.is_whole) return b.whole < a.whole;
  return b.as_double() < a.as_double();
}

double difference(const Number& before, const Number& after) {
  if (before.is_whole && after.is_whole) {  // exact, also where a double is not
    return after.whole >= before.whole ? static_cast<double>(after.whole - before.whole)
                                       : -static_cast<double>(before.whole - after.whole);
  }
  return after.as_double() - before.as_double();
}

}  // namespace

std::vector<Reading> readings_of(const reader::Families& families, const Selector* selector) {
  std::vector<Reading> readings;
  for (const reader::Family& f : families.families) {
    for (const reader::Series& s : f.series) {
      std::vector<Number> numbers;
      exposition::each_number(exposition::numbers_of(f), families.values.data() + s.first_value,
                              [&](auto number) {
                                if constexpr (std::is_same_v<decltype(number), double>) {
                                  numbers.push_back({.fraction = number});
                                } else {
                                  numbers.push_back({.is_whole = true, .whole = number});
                                }
                              });
      auto samples = exposition::samples_of(families, f, s);
      numbers.resize(samples.size(), {.is_whole = true, .whole = 1});
      for (std::size_t i = 0; i < samples.size(); ++i) {
        if (selector != nullptr && !selector->matches(f, samples[i])) continue;
        const std::string& name = samples[i].name;
        const bool counts = counts_up(f, name);
        const Unit unit = rate_unit_of(f, name);
        const bool is_bucket = format::has_buckets(f.type) && name.ends_with(format::kBucketEnding);
        std::string spelled = exposition::spelled(samples[i]);
        readings.push_back({std::move(samples[i]), std::move(spelled), numbers[i], counts, s.record,
                            s.created_ns, unit, is_bucket});
      }
    }
  }
  return readings;
}

std::optional<std::vector<Reading>> read_now(reader::SegmentMerge& merge, const Selector* selector,
                                             bool per_slot) {
  if (!per_slot) {
    if (!merge.read()) return std::nullopt;
    return readings_of(merge.families(), selector);
  }
  if (!merge.reader().look()) return std::nullopt;
  std::vector<Reading> all;
  for (const format::SlotIndex slot : merge.reader().used_slots()) {
    if (!merge.read_slot(slot)) return std::nullopt;
    for (Reading& reading : readings_of(merge.families(), selector)) {
      reading.slot = slot;
      reading.spelled.insert(0, slot_prefix(reading));
      all.push_back(std::move(reading));
    }
  }
  return all;
}

std::string slot_prefix(const Reading& reading) {
  return reading.slot ? "slot " + std::to_string(*reading.slot) + ' ' : "";
}

Earlier::Earlier(const std::vector<Reading>& readings, bool same_segment)
    : same_segment_(same_segment) {
  for (const Reading& reading : readings) by_name_.emplace(reading.spelled, &reading);
}

Change Earlier::since(const Reading& after) const {
  const auto there = by_name_.find(after.spelled);
  const Reading* const before = there == by_name_.end() ? nullptr : there->second;
  if (before == nullptr) return {nullptr, &after, after.number.as_double(), false};
  if (after.counts && (!same_segment_ || began_anew(*before, after))) {
    return {before, &after, after.number.as_double(), true};
  }
  return {before, &after, difference(before->number, after.number), false};
}

std::string spelled(double number) {
  constexpr double kExact = 9007199254740992;  // 2^53
  if (std::abs(number) < kExact && number == std::trunc(number)) {
    return std::to_string(static_cast<std::int64_t>(number));
  }
  char buffer[exposition::kMaxNumberSize];
  return {buffer, exposition::print(buffer, number)};
}

std::string spelled_change(const Change& change) {
  return (change.amount >= 0 ? "+" : "") + spelled(change.amount);
}

}  // namespace metrics::inspect
