// drops.h -- what each Drop means: the one list that the aggregator's metrics and its log read.
#pragma once

#include <array>
#include <string_view>

#include "libmetrics/format/layout.h"

namespace metrics::format {

enum class Dropped {
  kUpdate,  // an update was not counted at all
  kSeries,  // a family or series was refused
  kClaim,   // a process or thread has no slot of its own: it counts in slot 0, and no count is lost
  kLabelText,  // the end of a label value: its series counts, together with others that begin alike
  kExemplar,   // an exemplar: its update counts
};

// Returns the word that the inspector and JSON have for it.
constexpr std::string_view to_string(Dropped what) noexcept {
  switch (what) {
    case Dropped::kUpdate:
      return "update";
    case Dropped::kSeries:
      return "series";
    case Dropped::kLabelText:
      return "label";
    case Dropped::kExemplar:
      return "exemplar";
    case Dropped::kClaim:
      break;
  }
  return "slot";
}

struct DropReason {
  Drop drop;
  Dropped what;
  std::string_view reason;
};

inline constexpr std::array<DropReason, static_cast<std::size_t>(Drop::kCount)> kDropReasons = {{
    {Drop::kObservationNan, Dropped::kUpdate, "observation_nan"},
    {Drop::kCounterNegative, Dropped::kUpdate, "counter_negative"},
    {Drop::kGaugeWithoutSlot, Dropped::kUpdate, "gauge_without_slot"},
    {Drop::kFamilyConflict, Dropped::kSeries, "family_conflict"},
    {Drop::kDirectoryFull, Dropped::kSeries, "directory_full"},
    {Drop::kCellsFull, Dropped::kSeries, "cells_full"},
    {Drop::kSeriesNoSpace, Dropped::kSeries, "no_space"},
    {Drop::kSlotsExhausted, Dropped::kClaim, "slots_exhausted"},
    {Drop::kLanesExhausted, Dropped::kClaim, "lanes_exhausted"},
    {Drop::kClaimNoSpace, Dropped::kClaim, "no_space"},
    {Drop::kClaimUnreachable, Dropped::kClaim, "unreachable"},
    {Drop::kEditionsFull, Dropped::kSeries, "editions_full"},
    {Drop::kLabelValueCut, Dropped::kLabelText, "label_value_cut"},
    {Drop::kLimit, Dropped::kSeries, "limit"},
    {Drop::kStateUnknown, Dropped::kUpdate, "state_unknown"},
    {Drop::kExemplarInvalid, Dropped::kExemplar, "exemplar_invalid"},
    {Drop::kExemplarUnplaced, Dropped::kExemplar, "exemplar_unplaced"},
}};

}  // namespace metrics::format
