#include <string>

#include "aggregator/exposition/formats.h"
#include "aggregator/exposition/json.h"
#include "libmetrics/format/name.h"
#include "libmetrics/reader/merge.h"
#include "tools/inspect/commands.h"
#include "tools/inspect/output.h"

namespace metrics::inspect {

int expose(const std::string& path, Format format) {
  reader::SegmentMerge merge(format::segment_file(path));
  if (!merge.read()) return unreadable(merge.why());
  if (format == Format::kJson) {
    print(exposition::families_json(merge.families()));
    return kFine;
  }
  std::string text;
  exposition::formats().front().make_encoder()(merge.families(), text);
  print(text);
  return kFine;
}

}  // namespace metrics::inspect
