// drops.h -- what each layout::Drop means: the one list that the exposition and the inspector read.
#pragma once

#include <array>
#include <string_view>

#include "libmetrics/format/layout.h"

namespace metrics::core {

enum class Dropped {
  kUpdate,  // an update that counts nowhere
  kSeries,  // a family or series that was refused
  kClaim,  // a process or thread without a slot of its own: it counts in the shared one, nothing is lost
};

struct DropReason {
  layout::Drop drop;
  Dropped what;
  std::string_view reason;
};

inline constexpr std::array<DropReason, static_cast<std::size_t>(layout::Drop::kCount)>
    kDropReasons = {{
        {layout::Drop::kObservationNan, Dropped::kUpdate, "observation_nan"},
        {layout::Drop::kCounterNegative, Dropped::kUpdate, "counter_negative"},
        {layout::Drop::kGaugeWithoutSlot, Dropped::kUpdate, "gauge_without_slot"},
        {layout::Drop::kFamilyConflict, Dropped::kSeries, "family_conflict"},
        {layout::Drop::kDirectoryFull, Dropped::kSeries, "directory_full"},
        {layout::Drop::kCellsFull, Dropped::kSeries, "cells_full"},
        {layout::Drop::kSeriesNoSpace, Dropped::kSeries, "no_space"},
        {layout::Drop::kSlotsExhausted, Dropped::kClaim, "slots_exhausted"},
        {layout::Drop::kLanesExhausted, Dropped::kClaim, "lanes_exhausted"},
        {layout::Drop::kClaimNoSpace, Dropped::kClaim, "no_space"},
        {layout::Drop::kClaimUnreachable, Dropped::kClaim, "unreachable"},
    }};

}  // namespace metrics::core
