#include "aggregator/scrape/own_metrics.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "aggregator/version.h"
#include "libmetrics/reader/dropped.h"
#include "libmetrics/reader/held_back.h"
#include "libmetrics/reader/seeded.h"
#include "libmetrics/reader/slot_report.h"

namespace metrics::scrape {
namespace {

// How long slot counts and /proc figures are cached: births and deaths show up to a second late.
constexpr std::chrono::seconds kFresh{1};

void describe_process(reader::FamiliesBuilder& build, const ProcessStats& p) {
  build.family(format::Type::kCounter, "process_cpu_seconds",
               "Total user and system CPU time spent in seconds.");
  build.counter({}, 0, p.cpu_seconds);
  build.family(format::Type::kGauge, "process_start_time_seconds",
               "Start time of the process since unix epoch in seconds.");
  build.gauge({}, p.start_time_seconds);
  build.family(format::Type::kGauge, "process_resident_memory_bytes",
               "Resident memory size in bytes.");
  build.gauge({}, p.resident_bytes);
  build.family(format::Type::kGauge, "process_virtual_memory_bytes",
               "Virtual memory size in bytes.");
  build.gauge({}, p.virtual_bytes);
  build.family(format::Type::kGauge, "process_open_fds", "Number of open file descriptors.");
  build.gauge({}, p.open_fds);
  build.family(format::Type::kGauge, "process_max_fds", "Maximum number of open file descriptors.");
  build.gauge({}, p.max_fds);
}

void describe_drops(reader::FamiliesBuilder& build, const std::vector<SegmentState>& segments) {
  build.family(format::Type::kGauge, "metrics_segment_refusing",
               "1 while what was refused last for that reason would be refused again.");
  for (const SegmentState& s : segments) {
    if (!s.up) continue;
    for (const reader::DropReport& d : reader::drop_report(*s.reader)) {
      if (d.reason.what != format::Dropped::kSeries) continue;
      build.gauge({{"segment", s.name}, {"reason", d.reason.reason}},
                  d.now.value_or(false) ? 1.0 : 0.0);
    }
  }
  struct Counters {
    format::Dropped what;
    std::string_view name, help;
  };
  constexpr std::array<Counters, 5> kKinds = {{
      {format::Dropped::kUpdate, "metrics_segment_dropped_updates", "Updates that count nowhere."},
      {format::Dropped::kSeries, "metrics_segment_dropped_series",
       "Attempts to register a family or series that were refused, or were beyond a family's "
       "limit."},
      {format::Dropped::kClaim, "metrics_segment_dropped_slot_claims",
       "Processes and threads that got no slot of their own: they count in the shared one, slower; "
       "nothing is lost, but gauges need a slot of their own."},
      {format::Dropped::kLabelText, "metrics_segment_cut_label_values",
       "Look-ups of series by label values that were too long: they are cut, and those that begin "
       "alike are one series."},
      {format::Dropped::kExemplar, "metrics_segment_dropped_exemplars",
       "Exemplars that were not kept; the updates that they came with count."},
  }};
  for (const Counters& kind : kKinds) {
    build.family(format::Type::kCounter, kind.name, kind.help);
    for (const SegmentState& s : segments) {
      if (!s.up) continue;
      for (const format::DropReason& r : format::kDropReasons) {
        if (r.what != kind.what) continue;
        build.counter({{"segment", s.name}, {"reason", r.reason}},
                      s.reader->usage().dropped[static_cast<std::size_t>(r.drop)]);
      }
    }
  }
}

void describe_hidden(reader::FamiliesBuilder& build, const std::vector<SegmentState>& segments) {
  build.family(format::Type::kGauge, "metrics_segment_hidden_families",
               "Families that are counted but not shown, because each shares a sample name with "
               "another one, whose program has started later; or does where names are escaped, for "
               "servers that don't take names as they are.");
  for (const SegmentState& s : segments) {
    if (s.up) build.gauge({{"segment", s.name}}, std::uint64_t{s.hidden.size()});
  }
  build.family(format::Type::kInfo, "metrics_segment_hidden_family",
               "A family that is hidden, and the one that is shown instead.");
  for (const SegmentState& s : segments) {
    for (const SegmentState::Hidden& h : s.hidden) {
      const auto info = [&](auto... more) {
        build.info({{"segment", s.name},
                    {"family", h.family},
                    {"type", h.type},
                    {"shown", h.served},
                    {"shown_type", h.served_type},
                    more...});
      };
      if (h.escaping.empty()) {
        info();
      } else {
        info(reader::FamiliesBuilder::LabelView{"escaping", h.escaping});
      }
    }
  }
}

}  // namespace

const OwnMetrics::SlotCounts& OwnMetrics::slots_of(const SegmentState& segment) {
  const auto now = std::chrono::steady_clock::now();
  const std::uint64_t id = segment.reader->usage().id;
  auto [found, is_new] = slots_.try_emplace(segment.name);
  SlotCounts& counts = found->second;
  if (!is_new && counts.id == id && now - counts.counted < kFresh) return counts;
  counts = {.counted = now, .id = id};
  for (const reader::SlotReport& slot : reader::slot_report(*segment.reader)) {
    if (slot.state == reader::SlotReport::State::kLive)
      ++(slot.is_lane ? counts.live_lanes : counts.live);
    if (slot.state == reader::SlotReport::State::kDead && !slot.is_lane) ++counts.dead;
  }
  counts.held_back = reader::held_back(*segment.reader).series;
  return counts;
}

const ProcessStats& OwnMetrics::process() {
  const auto now = std::chrono::steady_clock::now();
  if (process_seen_ == std::chrono::steady_clock::time_point() || now - process_seen_ >= kFresh) {
    process_ = process_stats();
    process_seen_ = now;
  }
  process_.cpu_seconds = process_cpu_seconds();
  return process_;
}

void OwnMetrics::add(Describe more) {
  more_ = std::move(more);
  described_.reset();
}

void OwnMetrics::leave_out_aggregator() {
  leaves_out_aggregator_ = true;
  described_.reset();
}

void OwnMetrics::describe_aggregator(reader::FamiliesBuilder& build,
                                     const std::vector<SegmentState>& segments,
                                     double scrape_seconds) {
  describe_process(build, process());
  build.family(format::Type::kCounter, "metrics_aggregator_scrapes", "Expositions made.");
  build.counter({}, scrapes_);
  build.family(format::Type::kGauge, "metrics_aggregator_scrape_duration_seconds",
               "How long reading and merging all segments took for this exposition.");
  build.gauge({}, scrape_seconds);
  build.family(format::Type::kGauge, "metrics_aggregator_series_expired",
               "Series that are not shown, since they have not changed for --series.expire-after.");
  build.gauge({}, std::accumulate(
                      segments.begin(), segments.end(), std::uint64_t{0},
                      [](std::uint64_t sum, const SegmentState& s) { return sum + s.expired; }));
  if (more_) more_(build);
}

const reader::Families& OwnMetrics::collect(const std::vector<SegmentState>& segments,
                                            double scrape_seconds, Purpose purpose) {
  if (purpose == Purpose::kExposition) ++scrapes_;
  std::unordered_set<std::string_view, reader::Seeded> names;
  for (const SegmentState& s : segments) names.insert(s.name);
  std::erase_if(slots_, [&](const auto& entry) { return !names.contains(entry.first); });
  const bool same =
      described_ && std::equal(segments.begin(), segments.end(), described_->begin(),
                               described_->end(), [](const SegmentState& a, const SegmentState& b) {
                                 return a.name == b.name && a.up == b.up && a.why == b.why &&
                                        a.owner == b.owner && a.hidden == b.hidden;
                               });
  if (!same) {
    described_.reset();
    families_.shape = reader::new_shape();
  }
  reader::FamiliesBuilder build(
      families_, same ? reader::FamiliesBuilder::Add::kValues : reader::FamiliesBuilder::Add::kAll);
  build.family(format::Type::kInfo, "metrics_aggregator_build", "Version of the aggregator.");
  build.info({{"version", METRICS_VERSION}, {"revision", aggregator::revision()}});
  if (!leaves_out_aggregator_) describe_aggregator(build, segments, scrape_seconds);

  build.family(format::Type::kGauge, "metrics_segment_up",
               "1 if the segment could be read for this exposition.");
  for (const SegmentState& s : segments) build.gauge({{"segment", s.name}}, s.up ? 1.0 : 0.0);
  build.family(format::Type::kInfo, "metrics_segment_unusable", "Why a segment could not be read.");
  for (const SegmentState& s : segments) {
    if (!s.up) build.info({{"segment", s.name}, {"reason", s.why}});
  }
  build.family(format::Type::kInfo, "metrics_segment", "Whose file a segment is.");
  for (const SegmentState& s : segments) {
    if (!s.owner.empty()) build.info({{"segment", s.name}, {"owner", s.owner}});
  }

  // Adds a family with one value for each segment that is up.
  const auto each = [&](std::string_view name, std::string_view help, auto value) {
    build.family(format::Type::kGauge, name, help);
    for (const SegmentState& s : segments) {
      if (s.up) build.gauge({{"segment", s.name}}, static_cast<double>(value(*s.reader)));
    }
  };
  each("metrics_segment_created_timestamp_seconds",
       "When the segment's file was created, since unix epoch in seconds: a later one than before "
       "means that all of its counters have begun anew.",
       [](const reader::Reader& r) { return static_cast<double>(r.usage().created_ns) / 1e9; });
  build.family(
      format::Type::kGauge, "metrics_segment_slots",
      "Slots for processes: live ones count, dead ones keep their counts until they are adopted, "
      "free ones were never used. Renewed every second.");
  for (const SegmentState& s : segments) {
    if (!s.up) continue;
    const SlotCounts& slots = slots_of(s);
    build.gauge({{"segment", s.name}, {"state", "live"}}, slots.live);
    build.gauge({{"segment", s.name}, {"state", "dead"}}, slots.dead);
    build.gauge({{"segment", s.name}, {"state", "free"}},
                s.reader->geometry().first_slots - slots.live - slots.dead);
  }
  build.family(format::Type::kGauge, "metrics_segment_thread_slots",
               "Slots for a process's further threads that are owned now. Renewed every second.");
  for (const SegmentState& s : segments) {
    if (s.up) build.gauge({{"segment", s.name}}, slots_of(s).live_lanes);
  }
  each("metrics_segment_families", "Definitions of families in the segment's directory.",
       [](const reader::Reader& r) { return r.catalogue()->contents.families.size(); });
  each("metrics_segment_series", "Series in the segment's directory, removed ones included.",
       [](const reader::Reader& r) { return r.catalogue()->contents.series_records(); });
  build.family(
      format::Type::kGauge, "metrics_segment_series_held_back",
      "Removed series whose cells no process can use again now, as other processes may still have "
      "handles to them. Restart those that 'metrics-inspect dropped' lists; what several processes "
      "have looked up comes back with a new file only. Renewed every second.");
  for (const SegmentState& s : segments) {
    if (s.up) build.gauge({{"segment", s.name}}, slots_of(s).held_back);
  }
  each("metrics_segment_reuse_disabled",
       "1 if no removed series' cells are used again in this file: a process that could not open "
       "it any more counts in it, or it is of format 2.0. Let processes keep their access to the "
       "file, and begin a new one.",
       [](const reader::Reader& r) { return reader::reuse_is_disabled(r.usage()) ? 1 : 0; });
  each("metrics_segment_cells_used",
       "Cells that were given to series, in each slot, also if these are removed by now.",
       [](const reader::Reader& r) { return r.usage().cells_used; });
  each("metrics_segment_cells_capacity", "Cells of a slot.",
       [](const reader::Reader& r) { return r.geometry().cells; });
  each("metrics_segment_directory_used_bytes", "Bytes of the directory in use.",
       [](const reader::Reader& r) { return r.usage().directory_used; });
  each("metrics_segment_directory_capacity_bytes", "Bytes of the directory.",
       [](const reader::Reader& r) { return r.geometry().directory_bytes; });
  each("metrics_segment_memory_bytes", "Memory that the segment takes: its file is sparse.",
       [](const reader::Reader& r) { return r.usage().space_taken; });
  each("metrics_segment_directory_faults",
       "Records of the directory that can't be right and are left out.",
       [](const reader::Reader& r) { return r.catalogue()->faults.size(); });
  each("metrics_segment_unknown_families",
       "Families of a type that only a later version of the aggregator knows: they are left out.",
       [](const reader::Reader& r) { return r.catalogue()->contents.unknown_families; });
  describe_hidden(build, segments);
  describe_drops(build, segments);
  if (!same) described_ = segments;
  return families_;
}

}  // namespace metrics::scrape
