// types.h -- the metric types: one row for each, which gives its names, spellings and cells.
//
// A new type is a number in layout.h, a row here, the way it is updated (update/), the way it is
// merged (reader/), and its encoders (aggregator/exposition/).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libmetrics/format/layout.h"

namespace metrics::format {

// What the cells of a series hold, which decides how they are added and printed.
enum class Values {
  kWholeAndFraction,  // whole numbers (u64) and fractions (double), whose sum is the value
  kGauge,             // a process's value, its generation and stamp; merged by the family's mode
  kCounts,            // a count (u64) for each bucket, not cumulative, and the sum (double)
  kInfo,   // a gauge's cells, of which nothing is printed: who has set them states the labels
  kState,  // a gauge's cells, whose value is the index of a state; merged by the family's mode to
           // a gauge for each state
};

struct TypeRow {
  Type type;
  std::string_view name;       // in definitions, messages, JSON and OpenMetrics
  std::string_view text_name;  // in a TYPE line of text format 0.0.4, which has fewer types
  // The ending that programs may write and that the stored name of the family lacks; text format
  // 0.0.4 appends it to the family's name.
  std::string_view name_ending;
  // The endings of a series' sample names, in the order of an exposition. `_bucket` is one sample
  // for each bound and for +Inf, with the label `le`.
  std::array<std::string_view, 3> sample_endings;
  std::size_t samples;  // how many endings there are
  bool has_created;     // OpenMetrics may add a sample `_created`
  Values values;
  std::uint32_t cells, cells_per_bound;
};

inline constexpr std::string_view kBucketEnding = "_bucket";
inline constexpr std::string_view kCountEnding = "_count";
inline constexpr std::string_view kSumEnding = "_sum";
inline constexpr std::string_view kCreatedEnding = "_created";

inline constexpr std::array<TypeRow, 6> kTypes = {{
    {Type::kCounter,
     "counter",
     "counter",
     "_total",
     {"_total"},
     1,
     true,
     Values::kWholeAndFraction,
     kCounterCells,
     0},
    {Type::kGauge, "gauge", "gauge", "", {""}, 1, false, Values::kGauge, kGaugeCells, 0},
    {Type::kHistogram,
     "histogram",
     "histogram",
     "",
     {kBucketEnding, kCountEnding, kSumEnding},
     3,
     true,
     Values::kCounts,
     2,
     1},
    {Type::kSummary,
     "summary",
     "summary",
     "",
     {kCountEnding, kSumEnding},
     2,
     true,
     Values::kCounts,
     2,
     0},
    {Type::kInfo, "info", "gauge", "_info", {"_info"}, 1, false, Values::kInfo, kGaugeCells, 0},
    {Type::kStateSet, "stateset", "gauge", "", {""}, 1, false, Values::kState, kGaugeCells, 0},
}};

// Returns the type's row; nullptr for a number that no type has, which foreign bytes may hold.
constexpr const TypeRow* find_row(Type type) noexcept {
  for (const TypeRow& row : kTypes) {
    if (row.type == type) return &row;
  }
  return nullptr;
}
// Returns the type's row. The type must be one of kTypes.
constexpr const TypeRow& row_of(Type type) noexcept { return *find_row(type); }

constexpr Values values_of(Type type) noexcept { return row_of(type).values; }
constexpr std::span<const std::string_view> sample_endings(Type type) noexcept {
  const TypeRow& row = row_of(type);
  return {row.sample_endings.data(), row.samples};
}
constexpr bool has_buckets(Type type) noexcept {
  return row_of(type).sample_endings[0] == kBucketEnding;
}

// Returns how many cells a series has in each slot.
constexpr std::uint32_t cell_count(Type type, std::uint32_t bound_count) noexcept {
  return row_of(type).cells + bound_count * row_of(type).cells_per_bound;
}
static_assert(cell_count(Type::kHistogram, 3) == histogram_cells(3));
static_assert(cell_count(Type::kSummary, 0) == histogram_cells(0));

// Returns true if each process has a value of its own, which may end with it: reader/gauge_merge.h
// merges those. Other values are sums over slots.
constexpr bool is_of_processes(Type type) noexcept {
  const Values values = values_of(type);
  return values == Values::kGauge || values == Values::kInfo || values == Values::kState;
}

// Returns every name that the family's samples may have in any exposition format, the family's own
// name first. Two families that are not one (editions.h) collide if they have one in common.
std::vector<std::string> sample_names(Type type, std::string_view name);

// Returns the name without all endings that sample names may add. Families that collide have the
// same stem: if a name is another one plus one ending, what remains of both after removing all
// endings is the same.
std::string_view stem(std::string_view name) noexcept;

// Return the spelling of types and modes, used by messages, inspector and exposition; "unknown" for
// numbers that no type or mode has.
std::string_view to_string(Type type) noexcept;
std::string_view to_string(Mode mode) noexcept;

}  // namespace metrics::format
