// segment_json.h -- a segment, its slots and what it has dropped, as JSON: what the inspector
// prints with --json and the daemon serves at /api/v1.
//
// The members are described in aggregator/docs/api.md. Times are UTC, as 2026-01-02T03:04:05Z.
#pragma once

#include <string>
#include <vector>

#include "aggregator/exposition/json.h"
#include "libmetrics/reader/family_counts.h"
#include "libmetrics/reader/reader.h"
#include "libmetrics/reader/slot_report.h"

namespace metrics::exposition {

// Returns {"segment": file, "memory_bytes", "slots_used", "slots_live", "slots_capacity",
//   "cells_used", "cells_capacity", "directory_used_bytes", "directory_capacity_bytes", "created",
//   "format"}, of a segment as the last look() or look_at_header() found it; if its directory was
// read, "families" and "series", too, and of a snapshot "taken".
Json segment_json(reader::Reader& reader);

// Returns {"segment": file, "error": why}.
Json unreadable_segment_json(const std::string& file, const std::string& why);

// Returns {"slot", "kind": "process" or "thread", "state": "live", "dead" or "free", "pid",
//   "pid_namespace", "command", "generation", "claimed", "counters", "observations"}; of a process
//   also "threads" and "dropped", and of a slot's first owner "since_claim": {"counters",
//   "observations"}. A slot keeps what all of its owners have counted, not what each has.
Json slot_json(const reader::SlotReport& slot, const reader::SlotCount& count);

// Returns {"dropped": [{"what", "reason", "count", "since", "now", "families": [name, ...],
//   "last": {"family", "pid", "time"}}, ...],
//   "hidden": [{"family", "served", "where_escaped": false}, ...],
//   "limits": [{"family", "series", "max_series", "now"}, ...],
//   "removed": {"held_back": [...], "free", "reuse_disabled", "process_without_slot"}},
// of a segment as the last look() found it. "since" is missing where it is not
// known, "last" where no family was refused.
Json dropped_json(reader::Reader& reader);

}  // namespace metrics::exposition
