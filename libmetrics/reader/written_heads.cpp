#include "libmetrics/reader/written_heads.h"

#include <algorithm>
#include <vector>

namespace metrics::reader {

bool visit_written_heads(Reader& reader, const std::function<bool(const HeadCopy&)>& visit) {
  const format::Geometry& g = reader.geometry();
  const std::uint64_t end = g.head_offset(g.slot_count());
  for (std::uint64_t at = g.heads;;) {
    const auto written = reader.written_from(at);
    if (!written || *written >= end) return true;
    const std::uint64_t page_end =
        std::min(*written / format::kPage * format::kPage + format::kPage, end);
    const auto first = static_cast<format::SlotIndex>((*written - g.heads) / g.head_bytes);
    const auto last = static_cast<format::SlotIndex>((page_end - 1 - g.heads) / g.head_bytes);
    const std::vector<HeadCopy> heads = reader.heads(first, last);
    if (heads.empty()) return false;
    if (!std::all_of(heads.begin(), heads.end(), visit)) return true;
    at = g.head_offset(last + 1);
  }
}

}  // namespace metrics::reader
