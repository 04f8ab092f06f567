#include "libmetrics/reader/dropped.h"

#include <algorithm>

namespace metrics::reader {
namespace {

std::optional<bool> lasts(const format::DropReason& reason, const RefusalCopy& last,
                          const Reader& reader) {
  const Usage& usage = reader.usage();
  const format::Geometry& g = reader.geometry();
  if (last.when_ns == 0) return std::nullopt;
  switch (reason.drop) {
    case format::Drop::kDirectoryFull:
      // 0: its chain was full, which says nothing about the rest of the directory.
      return last.needed == 0 || usage.directory_used + last.needed > g.directory_bytes;
    case format::Drop::kCellsFull:
      return usage.cells_used + last.needed > g.cells;
    case format::Drop::kLimit: {
      const auto limits = limited_families(reader);
      return std::any_of(limits.begin(), limits.end(), [&](const Limited& f) {
        return f.series >= f.max_series && f.family->name.starts_with(last.family);
      });
    }
    case format::Drop::kEditionsFull:
      return true;  // definitions are never removed
    default:
      return std::nullopt;
  }
}

}  // namespace

std::vector<DropReport> drop_report(const Reader& reader) {
  std::vector<DropReport> report;
  for (const format::DropReason& reason : format::kDropReasons) {
    const auto i = static_cast<std::size_t>(reason.drop);
    const RefusalCopy& last = reader.usage().refusals[i];
    report.push_back({reason, reader.usage().dropped[i], reader.usage().dropped_since[i], last,
                      lasts(reason, last, reader)});
  }
  return report;
}

std::vector<std::string_view> refused_families(const Reader& reader, format::Drop reason) {
  std::vector<std::string_view> names;
  for (const format::FamilyView& family : reader.catalogue()->contents.families) {
    const bool was_refused = (family.refusals >> static_cast<unsigned>(reason) & 1) != 0;
    // A family may have several editions.
    if (was_refused && std::find(names.begin(), names.end(), family.name) == names.end()) {
      names.push_back(family.name);
    }
  }
  return names;
}

std::vector<Limited> limited_families(const Reader& reader) {
  std::vector<Limited> limited;
  const format::Window newest = reader.newest_directory();
  for (const format::FamilyView& family : reader.catalogue()->contents.families) {
    const auto* record = newest.at<format::FamilyRecord>(family.offset);
    if (family.max_series == 0 || record == nullptr) continue;
    limited.push_back(
        {&family, record->series_used.load(std::memory_order_relaxed), family.max_series});
  }
  return limited;
}

std::vector<Hidden> hidden_families(const Catalogue& catalogue) {
  std::vector<Hidden> hidden;
  const auto& families = catalogue.contents.families;
  for (const format::Group& group : catalogue.groups) {
    const auto& by = group.hidden_by ? group.hidden_by : group.yields_to;
    if (by) hidden.push_back({&families[group.last], &families[*by], !group.hidden_by});
  }
  return hidden;
}

}  // namespace metrics::reader
