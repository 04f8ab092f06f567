#include "libmetrics/reader/dropped.h"

namespace metrics::reader {
namespace {

bool lasts(const format::DropReason& reason, const RefusalCopy& last, const Reader& reader) {
  const Usage& usage = reader.usage();
  const format::Geometry& g = reader.geometry();
  if (last.when_ns == 0) return false;
  switch (reason.drop) {
    case format::Drop::kDirectoryFull:
      // 0: its chain had no room, and chains don't become shorter.
      return last.needed == 0 || usage.directory_used + last.needed > g.directory_bytes;
    case format::Drop::kCellsFull:
      return usage.cells_used + last.needed > g.cells;
    case format::Drop::kEditionsFull:
      return true;  // definitions are never removed
    default:
      return false;
  }
}

}  // namespace

std::vector<DropReport> drop_report(const Reader& reader) {
  std::vector<DropReport> report;
  for (const format::DropReason& reason : format::kDropReasons) {
    const auto i = static_cast<std::size_t>(reason.drop);
    const RefusalCopy& last = reader.usage().refusals[i];
    DropReport& entry = report.emplace_back(
        DropReport{reason, reader.usage().dropped[i], last, lasts(reason, last, reader), {}});
    for (const format::FamilyView& family : reader.catalogue()->contents.families) {
      if ((family.refusals >> i & 1) != 0) entry.families.push_back(family.name);
    }
  }
  return report;
}

std::vector<Hidden> hidden_families(const Catalogue& catalogue) {
  std::vector<Hidden> hidden;
  const auto& families = catalogue.contents.families;
  for (const format::Group& group : catalogue.groups) {
    if (group.hidden_by) hidden.push_back({&families[group.last], &families[*group.hidden_by]});
  }
  return hidden;
}

}  // namespace metrics::reader
