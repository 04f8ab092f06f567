// written_heads.h -- visits the heads of slots, without what a header claims and never wrote.
#pragma once

#include <functional>

#include "libmetrics/reader/reader.h"

namespace metrics::reader {

// Calls `visit` with the heads of all slots that lie on pages which may have been written, in
// ascending order, until it returns false. All others are zeros, which is what a slot that was
// never used has. Copies a page of them at a time. Returns false, with reader.why(), if the file
// was truncated meanwhile or can't be read. Needs no more than Reader::look_at_header().
bool visit_written_heads(Reader& reader, const std::function<bool(const HeadCopy&)>& visit);

}  // namespace metrics::reader
