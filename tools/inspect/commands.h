// commands.h -- the inspector's commands. Each prints to standard output, as text or as JSON.
#pragma once

#include <string>

#include "aggregator/exposition/formats.h"

namespace metrics::inspect {

enum class Format { kText, kJson };

// Exit status: 0 fine; 1 a fault, or an unreadable segment; 2 wrong usage.
inline constexpr int kFine = 0, kFault = 1, kUsage = 2;

// Lists the segments at `path`, how large and how full they are. `path` is a segment, a directory,
// or empty for the directory of the default segment. For a segment that can't be read, it prints a
// line to standard error and returns kFault.
int ls(const std::string& path, Format format);
// Lists every slot that was ever used, except for the shared slot 0: its owner, whether that is
// alive, and since when.
int slots(const std::string& path, Format format);
// Lists what was dropped or refused, why, and whose family it was last; the families that are
// counted but not served; and the removed series whose cells are held back, by which processes.
int dropped(const std::string& path, Format format);
// Shows families, series and merged values.
int dump(const std::string& path, Format format);
// Shows the same for each slot by itself.
int dump_per_slot(const std::string& path, Format format);
// Shows the samples that the selector matches; returns kFault if it matches none.
int get(const std::string& path, const std::string& selector, Format format);
// Lists all faults; returns kFault if there are any.
int verify(const std::string& path, Format format);
// Shows what a scrape of an aggregator that serves this segment alone would get, in that format:
// the segment's families, or the aggregator's own ones about the segment, too. Those about the
// aggregator's process are left out, except for its build: there is no such process.
enum class Families { kOfSegment, kOfSegmentAndAggregator };
int expose(const std::string& path, const exposition::Format& encoding,
           const exposition::Options& options, Families families);

}  // namespace metrics::inspect
