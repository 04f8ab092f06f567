#include <memory>
#include <string>

#include "aggregator/exposition/formats.h"
#include "aggregator/log.h"
#include "aggregator/scrape/scrape.h"
#include "libmetrics/format/name.h"
#include "libmetrics/reader/merge.h"
#include "tools/inspect/commands.h"
#include "tools/inspect/output.h"
#include "tools/inspect/path.h"

namespace metrics::inspect {

int expose(const std::string& path, const exposition::Format& encoding,
           const exposition::Options& options, Families families) {
  const std::string file = segment_at(path);
  reader::SegmentMerge merge(file);
  if (!merge.read() || (encoding.has_exemplars && !merge.read_exemplars())) {
    return unreadable(merge.why());
  }
  if (families == Families::kOfSegment) {
    std::string text;
    encoding.make_encoder(options)(merge.families(), text);
    print_exposition(text);
    return kFine;
  }
  // What a scrape leaves out is logged; the aggregator's other events are none of a user's here.
  aggregator::set_up_log("warn", aggregator::LogFormat::kLogfmt);
  // The aggregator names segments as users do, without the format's version.
  scrape::Scrape scrape({file.substr(0, file.size() - format::segment_ending().size())});
  scrape.leave_out_aggregator();
  print_exposition(*scrape.exposition(encoding, scrape::Compression::kNone, {}, options));
  return kFine;
}

}  // namespace metrics::inspect
