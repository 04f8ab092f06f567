#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "aggregator/exposition/json.h"
#include "aggregator/exposition/utc.h"
#include "libmetrics/format/clock.h"
#include "libmetrics/format/types.h"
#include "libmetrics/reader/merge.h"
#include "tools/inspect/commands.h"
#include "tools/inspect/definitions.h"
#include "tools/inspect/output.h"
#include "tools/inspect/path.h"
#include "tools/inspect/readings.h"
#include "tools/inspect/table.h"

namespace metrics::inspect {
namespace {

// What a segment held at a moment.
struct State {
  std::string file;
  std::vector<Reading> readings;
  std::uint64_t at_ns, id, created_ns;
};

std::optional<State> read(reader::SegmentMerge& merge, const Selector* selector, bool buckets) {
  const std::uint64_t now = format::now_ns();
  auto readings = read_now(merge, selector, false);
  if (!readings) return std::nullopt;
  if (!buckets) std::erase_if(*readings, [](const Reading& r) { return r.is_bucket; });
  const reader::Usage& usage = merge.reader().usage();
  return State{merge.file(), std::move(*readings), usage.taken_ns != 0 ? usage.taken_ns : now,
               usage.id, usage.created_ns};
}

bool asks_for_buckets(const Selector& selector) {
  return selector.name.ends_with(format::kBucketEnding) ||
         std::any_of(selector.labels.begin(), selector.labels.end(),
                     [](const Matcher& m) { return m.label == "le"; });
}

// Throws std::invalid_argument unless the second one is of the same segment, later, or of one that
// was made after the first one was read, and so may have taken its place.
void expect_later(const State& a, const State& b) {
  if (a.id == b.id) {
    if (a.at_ns <= b.at_ns) return;
    throw std::invalid_argument(b.file + " was taken before " + a.file +
                                "; diff takes the earlier one first");
  }
  if (b.created_ns > a.at_ns) return;
  throw std::invalid_argument(a.file + " and " + b.file +
                              " are two segments, of which neither was the other one: nothing has "
                              "changed from one to the other; diff takes snapshots of one segment");
}

// How a sample is different; empty if it is not.
std::string difference(const Change& change) {
  if (change.after == nullptr) return "gone";
  if (change.before == nullptr) return "new";
  if (change.restarted) return "restarted";
  return change.before->sample.value == change.after->sample.value ? "" : "changed";
}

// The number as people read it; as JSON has it, it is exact.
std::string for_people(const Reading* reading) {
  if (reading == nullptr) return "";
  return reading->number.is_whole ? reading->sample.value : rounded(reading->number.fraction);
}

// A sample that is different, as both formats print it.
struct Entry {
  std::optional<double> rate;
  Json json;
  std::vector<std::string> row;
};

// Returns the difference; an empty optional if there is none. A sample that has nothing to compare
// with is different too, unless it is 0.
std::optional<Entry> entry_of(const Reading& reading, const Change& change, double seconds) {
  const std::string what = difference(change);
  if (what.empty() || (what == "new" && change.amount == 0)) return std::nullopt;
  Entry entry;
  if (reading.counts && change.after != nullptr && seconds > 0) {
    entry.rate = change.amount / seconds;
    if (std::isnan(*entry.rate)) entry.rate.reset();  // of two infinite sums
  }
  entry.json = exposition::sample_json(reading.sample);
  entry.json.erase("value");
  entry.json["difference"] = what;
  if (change.before != nullptr) entry.json["before"] = change.before->sample.value;
  std::string amount;
  if (change.after != nullptr) {
    entry.json["after"] = change.after->sample.value;
    entry.json["change"] = spelled_change(change);
    amount = (change.amount >= 0 ? "+" : "") + rounded(change.amount);
  }
  if (entry.rate) entry.json["per_second"] = *entry.rate;
  if (what != "changed") amount += (amount.empty() ? "" : " ") + what;
  entry.row = {reading.spelled, for_people(change.before), for_people(change.after),
               std::move(amount), entry.rate ? quantity(*entry.rate, reading.rate_unit) : ""};
  return entry;
}

// Returns what is different between the two: what gains most in a second first, then what has no
// rate, in the order of an exposition.
std::vector<Entry> entries_of(const State& a, const State& b, double seconds) {
  std::vector<Entry> entries;
  const auto add = [&](const Reading& reading, const Change& change) {
    if (auto entry = entry_of(reading, change, seconds)) entries.push_back(std::move(*entry));
  };
  const Earlier earlier(a.readings, a.id == b.id), later(b.readings, true);
  for (const Reading& reading : b.readings) add(reading, earlier.since(reading));
  for (const Reading& reading : a.readings) {
    if (later.since(reading).before == nullptr) add(reading, {&reading, nullptr, 0, false});
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& x, const Entry& y) {
    return x.rate && (!y.rate || *x.rate > *y.rate);
  });
  return entries;
}

void print_difference(const State& a, const State& b, Format format) {
  const double seconds = (static_cast<double>(b.at_ns) - static_cast<double>(a.at_ns)) / 1e9;
  std::vector<Entry> entries = entries_of(a, b, seconds);
  if (a.id != b.id) {
    complain(b.file + " was made anew at " + exposition::utc(b.created_ns) +
             ": what counts began from 0");
  }
  if (format == Format::kJson) {
    Json samples = Json::array();
    for (Entry& entry : entries) samples.push_back(std::move(entry.json));
    print(Json{{"from", exposition::utc(a.at_ns)},
               {"to", exposition::utc(b.at_ns)},
               {"seconds", seconds},
               {"same_segment", a.id == b.id},
               {"samples", std::move(samples)}});
    return;
  }
  std::vector<std::vector<std::string>> rows = {{"SAMPLE", "BEFORE", "AFTER", "CHANGE", "PER S"}};
  for (Entry& entry : entries) rows.push_back(std::move(entry.row));
  print_table(std::move(rows));
}

// Says why the segment, or the snapshot that the user has named, can't be read.
int cant_be_read(const std::string& named, const reader::SegmentMerge& merge) {
  std::error_code error;
  if (named.empty() || std::filesystem::exists(merge.file(), error)) return unreadable(merge.why());
  return unreadable("there is no segment or snapshot " + merge.file() +
                    "; 'metrics-inspect snapshot " + named + "' makes one, to compare with later");
}

}  // namespace

int diff(const std::string& path, const Diff& diff, Format format) {
  std::optional<Selector> selector;
  if (!diff.filter.empty()) selector = parse_selector(diff.filter);
  const Selector* const selected = selector ? &*selector : nullptr;
  const bool buckets = diff.buckets || (selector && asks_for_buckets(*selector));
  reader::SegmentMerge before(segment_at(diff.before.empty() ? path : diff.before));
  const auto a = read(before, selected, buckets);
  if (!a) return cant_be_read(diff.before, before);
  if (diff.before.empty())
    std::this_thread::sleep_for(std::chrono::duration<double>(diff.interval));
  reader::SegmentMerge after(segment_at(diff.after.empty() ? path : diff.after));
  const auto b = read(after, selected, buckets);
  if (!b) return cant_be_read(diff.after, after);
  expect_later(*a, *b);
  if (selector && a->readings.empty() && b->readings.empty()) {
    return unreadable(why_no_sample(*after.reader().catalogue(), *selector, diff.filter));
  }
  print_difference(*a, *b, format);
  return kFine;
}

}  // namespace metrics::inspect
