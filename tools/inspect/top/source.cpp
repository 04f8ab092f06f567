#include "tools/inspect/top/source.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "libmetrics/format/clock.h"
#include "libmetrics/format/editions.h"
#include "libmetrics/format/types.h"
#include "libmetrics/reader/family_counts.h"
#include "libmetrics/reader/space_report.h"

namespace metrics::inspect::top {
namespace {

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::vector<SpaceOf> space_of(reader::Reader& reader, const Processes& processes) {
  std::vector<SpaceOf> all;
  for (const reader::FamilySpace& s : reader::space_report(reader)) {
    std::string by = listed(processes.owners(s.looked_up_by));
    if (s.by_several) by += by.empty() ? "several" : ", and several together";
    const bool is_known = s.family != nullptr;
    all.push_back({std::string(is_known ? s.family->name : "(no family any more)"),
                   std::string(is_known ? format::to_string(s.family->type) : ""),
                   processes.registrant(s), processes.registrants(s), std::move(by), s.live,
                   s.removed, s.cells, s.directory_bytes + s.slot_bytes, space_json(s, processes)});
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const SpaceOf& a, const SpaceOf& b) { return a.bytes > b.bytes; });
  return all;
}

}  // namespace

Source::Source(std::string file) : merge_(std::move(file)) {}

Picture Source::look() {
  Picture p;
  p.at = steady_seconds();
  p.wall_ns = format::now_ns();
  p.file = merge_.file();
  const auto failed = [&] {
    Picture none;
    none.at = p.at;
    none.wall_ns = p.wall_ns;
    none.file = p.file;
    none.why = merge_.why();
    return none;
  };
  if (!merge_.read()) return failed();
  reader::Reader& reader = merge_.reader();
  p.families = merge_.families();
  const auto catalogue = reader.catalogue();
  const auto counts = reader::family_counts(reader);
  if (counts.empty()) return failed();
  const Processes processes(reader);
  p.processes = processes.counted(*catalogue, counts);
  for (const format::FamilyView& f : catalogue->contents.families) p.names.emplace_back(f.name);
  p.drops = reader::drop_report(reader);
  for (const reader::Hidden& h : reader::hidden_families(*catalogue)) {
    p.hidden.push_back(format::described(*h.family));
  }
  p.space = space_of(reader, processes);
  const reader::Usage& usage = reader.usage();
  p.id = usage.id;
  p.taken_ns = usage.taken_ns;
  p.memory_bytes = usage.space_taken;
  p.cells_used = usage.cells_used;
  p.cells = reader.geometry().cells;
  p.directory_used = usage.directory_used;
  p.directory = reader.geometry().directory_bytes;
  p.read_seconds = steady_seconds() - p.at;
  return p;
}

}  // namespace metrics::inspect::top
