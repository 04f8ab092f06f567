#include "tests/torture/strangers.h"

#include <fcntl.h>

#include <stdexcept>
#include <vector>

#include "libmetrics/format/file.h"
#include "libmetrics/format/gauge_value.h"
#include "tests/support/forged_segment.h"

namespace metrics::torture {
namespace {

using test::ForgedSegment;

metrics_geometry claims(std::uint32_t processes, std::uint32_t threads, std::uint64_t cells,
                        std::uint64_t directory_bytes) {
  return {sizeof(metrics_geometry), processes, threads, cells, directory_bytes};
}

std::string name(const std::string& directory, std::size_t n) {
  return directory + "/a-stranger-" + std::to_string(n) + ".v2";
}

// A value that each of these gauges had in the first generation.
std::vector<std::uint64_t> set_gauges(std::size_t count) {
  std::vector<std::uint64_t> cells;
  for (std::size_t i = 0; i < count; ++i) {
    cells.insert(cells.end(), {1, format::encode_gauge(static_cast<double>(i)), 0});
  }
  return cells;
}

// More than the usual limit of open files.
void make_empty_files(const std::string& directory) {
  constexpr std::size_t kFiles = 1'100;
  for (std::size_t n = 0; n < kFiles; ++n) {
    const format::Descriptor fd(
        ::open(name(directory, n).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (!fd) throw std::runtime_error("an empty file can't be made");
  }
}

// Twelve kilobytes each, which claim many times more slots than they take space for, and 64 KiB of
// each.
void make_sparse_files(const std::string& directory) {
  constexpr std::size_t kFiles = 8;
  constexpr std::uint32_t kMostSlots = 131'000;
  constexpr std::uint64_t kCells = 8'192;
  for (std::size_t n = 0; n < kFiles; ++n) {
    const std::uint32_t slots = kMostSlots >> n;
    ForgedSegment forged(claims(slots / 2, slots / 2, kCells, 4'096));
    const auto gauges = forged.family({format::Type::kGauge, "gauges", "", "", {"n"}, {}});
    for (std::uint64_t i = 0; forged.directory_left() > 128; ++i) {
      forged.series(gauges, {std::to_string(i)}, kCells - (i + 1) * format::kGaugeCells,
                    format::kGaugeCells);
    }
    forged.write(name(directory, n));
  }
}

// 24 MB, half of them values that a thousand processes have given to five hundred gauges, on every
// second page.
void make_gauges(const std::string& directory) {
  constexpr std::uint32_t kSlots = 1'024;
  constexpr std::size_t kGauges = 1'000;
  ForgedSegment forged(claims(kSlots, 1, kGauges * format::kGaugeCells, 256 * 1024));
  const auto gauges = forged.family({format::Type::kGauge, "gauges", "", "", {"n"}, {}});
  for (std::size_t i = 0; i < kGauges; ++i) {
    forged.series(gauges, {std::to_string(i)}, i * format::kGaugeCells, format::kGaugeCells);
  }
  const std::string file = name(directory, 0);
  forged.write(file);
  forged.write_owners(file, kSlots);
  const auto cells = set_gauges(kGauges);
  for (format::SlotIndex slot = 1; slot <= kSlots; ++slot) {
    forged.write_cells(file, slot, 0, cells);
  }
}

// 1.5 MB of labels, each of which every bucket repeats.
void make_long_labels(const std::string& directory) {
  constexpr std::size_t kSeries = 90;
  constexpr std::size_t kBounds = 340;
  std::vector<double> bounds;
  for (std::size_t i = 0; i < kBounds; ++i) bounds.push_back(static_cast<double>(i));
  const std::uint32_t cells = format::histogram_cells(kBounds);
  ForgedSegment forged(claims(1, 1, kSeries * cells, 1'600 * 1024));
  const auto family = forged.family({format::Type::kHistogram, "long", "", "", {"n"}, bounds});
  for (std::size_t i = 0; i < kSeries; ++i) {
    std::string label = std::to_string(i);
    label.resize(format::kMaxStringBytes, 'x');
    forged.series(family, {label}, i * cells, cells);
  }
  forged.write(name(directory, 0));
}

constexpr Strangers kAll[] = {
    {"1,100 empty files", make_empty_files},
    {"96 KiB of sparse files", make_sparse_files},
    {"24 MB of gauges", make_gauges},
    {"1.5 MB of long labels", make_long_labels},
};

}  // namespace

std::span<const Strangers> all_strangers() { return kAll; }

}  // namespace metrics::torture
