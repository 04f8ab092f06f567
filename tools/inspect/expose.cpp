#include <string>

#include "aggregator/exposition/formats.h"
#include "libmetrics/reader/merge.h"
#include "tools/inspect/commands.h"
#include "tools/inspect/output.h"
#include "tools/inspect/path.h"

namespace metrics::inspect {

int expose(const std::string& path, Format format) {
  if (format == Format::kJson) return dump(path, format);
  reader::SegmentMerge merge(segment_at(path));
  if (!merge.read()) return unreadable(merge.why());
  std::string text;
  exposition::formats().front().make_encoder()(merge.families(), text);
  print_exposition(text);
  return kFine;
}

}  // namespace metrics::inspect
