// dropped.h -- what a segment's programs wanted to count and can't show, and why.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "libmetrics/format/drops.h"
#include "libmetrics/reader/reader.h"

namespace metrics::reader {

// What was dropped or refused for one reason.
struct DropReport {
  format::DropReason reason;
  std::uint64_t count;
  std::uint64_t since_ns;  // when the first one was; 0: unknown
  // Who was the last for that reason, and whose it was: no family's if a process or thread got no
  // slot. when_ns is 0 if that is unknown, as of updates that older programs have dropped.
  RefusalCopy last;
  // What was refused last would be refused now: there is still no room for it. Empty where the
  // segment can't tell, since it is the program that decides, as what it counts with.
  std::optional<bool> now;
};
// Returns a report for each of format::kDropReasons, in their order, of the segment as the last
// look() has found it.
std::vector<DropReport> drop_report(const Reader& reader);

// Returns the names of the families of which a series, an update or an exemplar was ever refused
// for that reason, as of the reader's catalogue, as long as which they are valid.
std::vector<std::string_view> refused_families(const Reader& reader, format::Drop reason);

// A family that has a limit, and how many series it has.
struct Limited {
  const format::FamilyView* family;
  std::uint64_t series;  // except for the overflow series
  std::uint32_t max_series;
};
// Returns all of them, in the order of their records; valid as long as the reader's catalogue.
std::vector<Limited> limited_families(const Reader& reader);

// A family that is counted but not served, since it shares a sample name with another one, which
// was opened later.
struct Hidden {
  const format::FamilyView* family;  // the last edition of it
  const format::FamilyView* served;  // the other one's
  bool where_escaped;  // they share it for servers alone that see names escaped: others see both
};
// Returns all of them, in the order of their records; valid as long as the catalogue.
std::vector<Hidden> hidden_families(const Catalogue& catalogue);

}  // namespace metrics::reader
