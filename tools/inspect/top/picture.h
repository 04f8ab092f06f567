// picture.h -- what one read of a segment has found: all that top shows, as plain data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libmetrics/reader/dropped.h"
#include "libmetrics/reader/families.h"
#include "tools/inspect/processes.h"

namespace metrics::inspect::top {

// What a family takes; see reader::FamilySpace.
struct SpaceOf {
  std::string family, type, registrant, registered_by, looked_up_by;
  std::uint64_t series, removed, cells, bytes;
  exposition::Json json;  // as `space` has it
};

struct Picture {
  double at = 0;              // seconds of a clock that never steps
  std::uint64_t wall_ns = 0;  // CLOCK_REALTIME
  std::string file;
  std::string why;  // not empty: the segment can't be read, and nothing below is set
  std::uint64_t id = 0;
  std::uint64_t taken_ns = 0;  // of a snapshot
  reader::Families families;
  std::vector<std::string> names;  // of the families of processes[].families, by index
  std::vector<Process> processes;
  std::vector<reader::DropReport> drops;
  std::vector<std::string> hidden;  // families that are counted and not shown
  std::vector<SpaceOf> space;       // the largest first
  std::uint64_t memory_bytes = 0, cells_used = 0, cells = 0, directory_used = 0, directory = 0;
  double read_seconds = 0;  // what the read has taken
};

}  // namespace metrics::inspect::top
