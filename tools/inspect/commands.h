// commands.h -- what the inspector can show. Each prints to standard output, as text or as JSON.
#pragma once

#include <string>
#include <vector>

namespace metrics::inspect {

enum class Format { kText, kJson };

// Exit codes: nothing wrong; a fault was found or a segment can't be read; the call's words are
// off.
inline constexpr int kFine = 0, kFault = 1, kUsage = 2;

// The segments at `path` (a segment, a directory, or empty: those beside the default one), how
// large and how full they are. One that can't be read is a line on standard error, and kFault.
int ls(const std::string& path, Format format);
// Every slot that was ever used: owner, whether it lives, since when.
int slots(const std::string& path, Format format);
// Families, series and merged values.
int dump(const std::string& path, Format format);
// The same, of each slot by itself.
int dump_per_slot(const std::string& path, Format format);
// The samples that the selector means; kFault if there is none.
int get(const std::string& path, const std::string& selector, Format format);
// Faults; kFault if there are any.
int verify(const std::string& path, Format format);
// What a scrape of an aggregator that serves this segment alone would show of it.
int expose(const std::string& path, Format format);

}  // namespace metrics::inspect
