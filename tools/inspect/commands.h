// commands.h -- the inspector's commands. Each prints to standard output, as text or as JSON.
#pragma once

#include <string>

#include "aggregator/exposition/formats.h"

namespace metrics::inspect {

enum class Format { kText, kJson };

// Exit status: 0 fine; 1 a fault, or an unreadable segment; 2 wrong usage.
inline constexpr int kFine = 0, kFault = 1, kUsage = 2;

// Lists the segments at `path`, how large and how full they are. `path` is a segment, a directory,
// or empty for the directory of the default segment. Reads their headers alone, unless it shall
// count families and series. For a segment that can't be read, it prints a line to standard error
// and returns kFault.
enum class Counting { kNothing, kSeries };
int ls(const std::string& path, Counting counting, Format format);
// Lists every slot that was ever used, except for the shared slot 0: its owner, whether that is
// alive, since when, its threads, and what was counted there.
int slots(const std::string& path, Format format);
// Lists what was dropped or refused, why, and whose family it was last; the families that are
// counted but not served; and the removed series whose cells are held back, by which processes.
int dropped(const std::string& path, Format format);
// Lists how much of the segment each family takes, the largest first, and who has looked it up.
int space(const std::string& path, Format format);
// Explains what became of each family that the selector names, or a sample of which it does:
// whether it is registered, in which editions, refused, hidden, or without a series, and which
// processes have counted in it. Returns kFault if one is not shown.
int why(const std::string& path, const std::string& selector, Format format);
// Shows families, series and merged values.
int dump(const std::string& path, Format format);
// Shows the same for each slot by itself.
int dump_per_slot(const std::string& path, Format format);
// Shows the samples that the selector matches; returns kFault if it matches none.
struct Get {
  std::string selector;
  bool per_slot = false;  // those of each slot by itself
  bool rate = false;      // how much those that count gain in a second, over the next interval
  bool watch = false;     // again after each interval
  double interval = 1;    // seconds
  unsigned count = 0;     // of intervals to watch; 0: without end
};
int get(const std::string& path, const Get& get, Format format);
// Shows what is different between two moments of a segment: two snapshots of it, one and now, or
// now and a while later. What gains most in a second comes first. Throws std::invalid_argument if
// they are of two segments, unless the later one has taken the place of the other meanwhile.
struct Diff {
  std::string before, after;  // paths; an empty one is the segment at `path`
  double interval = 10;       // seconds, if both are empty
  std::string filter;         // a selector; empty: all samples
  bool buckets = false;       // those of histograms, too
};
int diff(const std::string& path, const Diff& diff, Format format);
// Copies the segment to `to`, a path like that of a segment.
int snapshot(const std::string& path, const std::string& to, Format format);
// Lists the segments at `path` as ls() does, and which of them no process has joined; with
// `removes` it removes those.
int prune(const std::string& path, bool removes, Format format);
// Lists all faults; returns kFault if there are any.
int verify(const std::string& path, Format format);
// Shows what a scrape of an aggregator that serves this segment alone would get, in that format:
// the segment's families, or the aggregator's own ones about the segment, too. Those about the
// aggregator's process are left out, except for its build: there is no such process.
enum class Families { kOfSegment, kOfSegmentAndAggregator };
int expose(const std::string& path, const exposition::Format& encoding,
           const exposition::Options& options, Families families);
// Shows rates, quantiles, workers and space, again after each interval: on a terminal a screen that
// keys control; else, or as JSON, a table or a line for each of `count` intervals.
struct Top {
  double interval = 1;  // seconds
  unsigned count = 0;   // of intervals; 0: without end on a terminal and as JSON, else 1
  std::string filter;   // a pattern, or a regular expression behind ~
  std::string sort;     // see top/view.h
  std::string page;     // likewise
};
int run_top(const std::string& path, const Top& top, Format format);

}  // namespace metrics::inspect
