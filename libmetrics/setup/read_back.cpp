#include "libmetrics/setup/read_back.h"

#include <unistd.h>

#include <bit>
#include <cerrno>
#include <vector>

#include "libmetrics/format/error.h"
#include "libmetrics/format/file.h"
#include "libmetrics/setup/join.h"

namespace metrics::setup {

double read_back(const update::Segment& segment, std::uint64_t first_cell,
                 std::span<std::uint64_t> whole) {
  const format::Descriptor fd = segment.reopen();
  if (!fd) fail_joined(errno, "can't open " + segment.file() + " to read it");
  const format::Geometry& g = segment.geometry();
  const auto first_slots = format::capped(segment.header().first_slots_used, g.first_slots);
  const auto lanes = format::capped(segment.header().lanes_used, g.lanes);
  std::vector<std::uint64_t> cells(whole.size() + 1);
  double sum = 0;
  for (const format::SlotIndex slot : format::used_slots(
           g, static_cast<format::SlotIndex>(first_slots), static_cast<format::SlotIndex>(lanes))) {
    const std::size_t bytes = cells.size() * sizeof(std::uint64_t);
    const auto offset = static_cast<off_t>(g.slot_offset(slot) + first_cell * sizeof(format::Cell));
    if (::pread(fd.get(), cells.data(), bytes, offset) != static_cast<ssize_t>(bytes)) {
      throw format::Error(METRICS_SYSTEM, "can't read " + segment.file());
    }
    for (std::size_t k = 0; k < whole.size(); ++k) whole[k] += cells[k];
    sum += std::bit_cast<double>(cells.back());
  }
  return sum;
}

}  // namespace metrics::setup
