#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>
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
#include "tools/inspect/selector.h"
#include "tools/inspect/table.h"

namespace metrics::inspect {
namespace {

using Clock = std::chrono::steady_clock;

// One line of output: a sample, and what is printed behind its name.
struct Line {
  Json json;
  std::string text;
};

Json json_of(const Reading& reading) {
  Json json = exposition::sample_json(reading.sample);
  if (reading.slot) json["slot"] = *reading.slot;
  return json;
}

std::vector<Line> values(const std::vector<Reading>& readings) {
  std::vector<Line> lines;
  for (const Reading& r : readings) {
    lines.push_back({json_of(r), r.spelled + ' ' + r.sample.value});
  }
  return lines;
}

// With native buckets and exemplars behind the samples of each series.
std::vector<Line> values(const reader::Families& families, const Selector& selector) {
  std::vector<Line> lines;
  for (const reader::Family& f : families.families) {
    for (const reader::Series& s : f.series) {
      for (const exposition::Sample& sample : exposition::samples_of(families, f, s)) {
        if (!selector.matches(f, sample)) continue;
        lines.push_back(
            {exposition::sample_json(sample), exposition::spelled(sample) + ' ' + sample.value});
      }
      const exposition::Sample named{f.name, s.labels, ""};
      if (!selector.matches(f, named)) continue;
      for (const auto& bucket : exposition::native_buckets(families, f, s)) {
        lines.push_back({exposition::bucket_json(named, bucket),
                         exposition::spelled(named) + ' ' + exposition::interval(bucket) + ' ' +
                             std::to_string(bucket.count)});
      }
      for (const reader::Exemplar& exemplar : families.exemplars_of(s)) {
        lines.push_back(
            {exposition::exemplar_json(named, exemplar), exposition::spelled(named, exemplar)});
      }
    }
  }
  return lines;
}

// What has no rate, a gauge, is left out.
std::vector<Line> rates(const std::vector<Reading>& before, const std::vector<Reading>& after,
                        bool same_segment, double seconds) {
  const Earlier earlier(before, same_segment);
  std::vector<Line> lines;
  for (const Reading& r : after) {
    if (!r.counts) continue;
    const double rate = earlier.since(r).amount / seconds;
    Line line{json_of(r), r.spelled + ' ' + quantity(rate, r.rate_unit) + "/s"};
    line.json["per_second"] = rate;
    lines.push_back(std::move(line));
  }
  return lines;
}

void print_lines(const std::vector<Line>& lines, double seconds, const Get& get, Format format) {
  if (format == Format::kText) {
    const std::string time = get.watch ? exposition::utc(format::now_ns()) + ' ' : "";
    for (const Line& line : lines) print_line(time + line.text);
  } else {
    Json json = Json::array();
    for (const Line& line : lines) json.push_back(line.json);
    if (get.watch) {
      Json line = {{"time", exposition::utc(format::now_ns())}};
      if (get.rate) line["interval_seconds"] = seconds;
      line["samples"] = std::move(json);
      print_json_line(line);
    } else {
      print(json);
    }
  }
  std::fflush(stdout);
}

// Returns the lines of one interval; an empty optional if the segment can't be read.
class Source {
 public:
  Source(const std::string& path, const Get& get)
      : get_(get), selector_(parse_selector(get.selector)), merge_(segment_at(path)) {}

  // Takes what the first interval is compared with.
  bool begin() { return read(); }
  std::optional<std::vector<Line>> next() {
    const std::vector<Reading> before = std::move(readings_);
    const auto began = at_;
    const auto id = id_;
    if (!read()) return std::nullopt;
    if (get_.rate) {
      seconds_ = std::chrono::duration<double>(at_ - began).count();
      return rates(before, readings_, id == id_, seconds_);
    }
    return get_.per_slot ? values(readings_) : values(merge_.families(), selector_);
  }
  // Returns how long the interval of these rates was.
  double seconds() const { return seconds_; }
  const std::string& why() const { return merge_.why(); }
  // Returns why there was never a line: what the selector selects is not there, or has no rate.
  std::string why_nothing();
  // Returns what is wrong with the selector's labels, if all others match; else "".
  std::string fault() {
    const reader::Catalogue& catalogue = *merge_.reader().catalogue();
    return unknown_label(catalogue, selector_, definitions_of(catalogue, selector_));
  }

 private:
  bool read() {
    at_ = Clock::now();
    auto readings = read_now(merge_, &selector_, get_.per_slot);
    if (!readings || (!get_.per_slot && !get_.rate && !merge_.read_exemplars())) return false;
    readings_ = std::move(*readings);
    id_ = merge_.reader().usage().id;
    return true;
  }
  const Get& get_;
  const Selector selector_;
  reader::SegmentMerge merge_;
  std::vector<Reading> readings_;
  Clock::time_point at_;
  double seconds_ = 0;
  std::uint64_t id_ = 0;
};

std::string Source::why_nothing() {
  const reader::Catalogue& catalogue = *merge_.reader().catalogue();
  const std::vector<std::size_t> named = definitions_of(catalogue, selector_);
  const auto counts = [&](std::size_t at) {
    return !format::is_of_processes(catalogue.contents.families[at].type);
  };
  if (get_.rate && !named.empty() && unknown_label(catalogue, selector_, named).empty() &&
      std::none_of(named.begin(), named.end(), counts)) {
    const format::FamilyView& first = catalogue.contents.families[named.front()];
    return std::string(first.name) + " is of type " + std::string(format::to_string(first.type)) +
           ", which has no rate: its value may fall; without --rate 'get' shows it, and 'diff' how "
           "it changes";
  }
  return why_no_sample(catalogue, selector_, get_.selector);
}

}  // namespace

int get(const std::string& path, const Get& get, Format format) {
  Source source(path, get);
  const auto interval =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(get.interval));
  auto due = Clock::now() + interval;
  if (get.rate && !source.begin()) return unreadable(source.why());
  bool found = false;
  for (unsigned i = 0; get.count == 0 || i < get.count; ++i) {
    if (get.rate || i > 0) {
      std::this_thread::sleep_until(due);
      due += interval;
    }
    const auto lines = source.next();
    if (!lines) return unreadable(source.why());
    found = found || !lines->empty();
    print_lines(*lines, source.seconds(), get, format);
    if (!get.watch) break;
    if (std::ferror(stdout) != 0) break;  // its reader is gone
  }
  if (!found) return unreadable(source.why_nothing());
  // A label that no family has is "" in all of them, which != and !~ match.
  if (const std::string fault = source.fault(); !fault.empty()) {
    complain(get.selector + ": " + fault);
  }
  return kFine;
}

}  // namespace metrics::inspect
