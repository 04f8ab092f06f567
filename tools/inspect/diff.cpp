#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "aggregator/exposition/json.h"
#include "aggregator/exposition/utc.h"
#include "libmetrics/format/clock.h"
#include "libmetrics/reader/merge.h"
#include "tools/inspect/commands.h"
#include "tools/inspect/output.h"
#include "tools/inspect/path.h"
#include "tools/inspect/readings.h"
#include "tools/inspect/table.h"

namespace metrics::inspect {
namespace {

// What a segment held at a moment.
struct State {
  std::vector<Reading> readings;
  std::uint64_t at_ns, id;
};

std::optional<State> read(reader::SegmentMerge& merge) {
  const std::uint64_t now = format::now_ns();
  auto readings = read_now(merge, nullptr, false);
  if (!readings) return std::nullopt;
  const reader::Usage& usage = merge.reader().usage();
  return State{std::move(*readings), usage.taken_ns != 0 ? usage.taken_ns : now, usage.id};
}

// How a sample is different; empty if it is not.
std::string difference(const Change& change) {
  if (change.after == nullptr) return "gone";
  if (change.before == nullptr) return "new";
  if (change.restarted) return "restarted";
  return change.before->sample.value == change.after->sample.value ? "" : "changed";
}

// Prints what is different between the two. A sample that has nothing to compare with is printed
// too, unless it is 0.
void print_difference(const State& a, const State& b, Format format) {
  const double seconds = (static_cast<double>(b.at_ns) - static_cast<double>(a.at_ns)) / 1e9;
  Json json = Json::array();
  std::vector<std::vector<std::string>> rows = {{"SAMPLE", "BEFORE", "AFTER", "CHANGE", "PER S"}};
  const auto add = [&](const Reading& reading, const Change& change) {
    const std::string what = difference(change);
    if (what.empty() || (what == "new" && change.amount == 0)) return;
    const std::string before = change.before != nullptr ? change.before->sample.value : "";
    const std::string after = change.after != nullptr ? change.after->sample.value : "";
    const std::string amount = change.after != nullptr ? spelled_change(change) : "";
    const bool has_rate = reading.counts && change.after != nullptr && seconds > 0;
    const double rate = has_rate ? change.amount / seconds : 0;
    Json entry = exposition::sample_json(reading.sample);
    entry.erase("value");
    entry["difference"] = what;
    for (const auto& [key, value] :
         {std::pair("before", &before), std::pair("after", &after), std::pair("change", &amount)}) {
      if (!value->empty()) entry[key] = *value;
    }
    if (has_rate) entry["per_second"] = rate;
    json.push_back(std::move(entry));
    rows.push_back({reading.spelled, before, after,
                    what == "changed" ? amount : amount + (amount.empty() ? "" : " ") + what,
                    has_rate ? spelled(rate) : ""});
  };
  const Earlier earlier(a.readings, a.id == b.id), later(b.readings, true);
  for (const Reading& reading : b.readings) add(reading, earlier.since(reading));
  for (const Reading& reading : a.readings) {
    if (later.since(reading).before == nullptr) add(reading, {&reading, nullptr, 0, false});
  }
  if (format == Format::kJson) {
    print(Json{{"from", exposition::utc(a.at_ns)},
               {"to", exposition::utc(b.at_ns)},
               {"seconds", seconds},
               {"same_segment", a.id == b.id},
               {"samples", std::move(json)}});
  } else {
    print_table(std::move(rows));
  }
}

}  // namespace

int diff(const std::string& path, const Diff& diff, Format format) {
  reader::SegmentMerge before(segment_at(diff.before.empty() ? path : diff.before));
  const auto a = read(before);
  if (!a) return unreadable(before.why());
  if (diff.before.empty())
    std::this_thread::sleep_for(std::chrono::duration<double>(diff.interval));
  reader::SegmentMerge after(segment_at(diff.after.empty() ? path : diff.after));
  const auto b = read(after);
  if (!b) return unreadable(after.why());
  print_difference(*a, *b, format);
  return kFine;
}

}  // namespace metrics::inspect
