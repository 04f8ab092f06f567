#include "libmetrics/setup/read_back.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <vector>

#include "libmetrics/format/error.h"
#include "libmetrics/format/file.h"

namespace metrics::setup {

double read_back(const update::Segment& segment, std::uint64_t first_cell,
                 std::span<std::uint64_t> whole) {
  const format::Descriptor fd = segment.reopen();
  if (!fd) {
    const int error = errno;
    throw format::Error(update::status_of(error), "can't open " + segment.file() +
                                                      " to read it: " + format::system_text(error));
  }
  const format::Geometry& g = segment.geometry();
  const auto used = [](const format::Cell& highest, std::uint64_t most) {
    return std::min(highest.load(std::memory_order_relaxed), most);
  };
  const std::uint64_t first_slots = used(segment.header().first_slots_used, g.first_slots);
  const std::uint64_t lanes = used(segment.header().lanes_used, g.lanes);
  std::vector<std::uint64_t> cells(whole.size() + 1);
  double sum = 0;
  for (std::uint64_t i = 0; i <= first_slots + lanes; ++i) {
    const auto slot =
        static_cast<format::SlotIndex>(i <= first_slots ? i : g.first_slots + i - first_slots);
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
