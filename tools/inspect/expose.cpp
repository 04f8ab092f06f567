#include <memory>
#include <string>

#include "aggregator/exposition/formats.h"
#include "aggregator/log.h"
#include "aggregator/scrape/scrape.h"
#include "libmetrics/reader/merge.h"
#include "tools/inspect/commands.h"
#include "tools/inspect/output.h"
#include "tools/inspect/path.h"

namespace metrics::inspect {

int expose(const std::string& path, const exposition::Format& format,
           const exposition::Options& options, Families families) {
  const std::string file = segment_at(path);
  reader::SegmentMerge merge(file);
  if (!merge.read()) return unreadable(merge.why());
  if (families == Families::kOfSegment) {
    std::string text;
    format.make_encoder(options)(merge.families(), text);
    print_exposition(text);
    return kFine;
  }
  // What a scrape leaves out is logged; the aggregator's other events are none of a user's here.
  aggregator::set_up_log("warn", aggregator::LogFormat::kLogfmt);
  scrape::Scrape scrape({file});
  scrape.leave_out_aggregator();
  print_exposition(*scrape.exposition(format, scrape::Compression::kNone, {}, options));
  return kFine;
}

}  // namespace metrics::inspect
