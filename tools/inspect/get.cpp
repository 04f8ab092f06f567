#include <string>

#include "aggregator/exposition/json.h"
#include "aggregator/exposition/samples.h"
#include "libmetrics/reader/merge.h"
#include "tools/inspect/commands.h"
#include "tools/inspect/output.h"
#include "tools/inspect/path.h"
#include "tools/inspect/selector.h"

namespace metrics::inspect {

int get(const std::string& path, const std::string& text, Format format) {
  const Selector selector = parse_selector(text);
  reader::SegmentMerge merge(segment_at(path));
  if (!merge.read() || !merge.read_exemplars()) return unreadable(merge.why());
  Json json = Json::array();
  for (const reader::Family& f : merge.families().families) {
    for (const reader::Series& s : f.series) {
      for (const exposition::Sample& sample : exposition::samples_of(merge.families(), f, s)) {
        if (!selector.matches(f, sample)) continue;
        json.push_back(exposition::sample_json(sample));
        if (format == Format::kText) print_line(exposition::spelled(sample) + ' ' + sample.value);
      }
      const exposition::Sample named{f.name, s.labels, ""};
      if (!selector.matches(f, named)) continue;
      for (const auto& bucket : exposition::native_buckets(merge.families(), f, s)) {
        json.push_back(exposition::bucket_json(named, bucket));
        if (format == Format::kJson) continue;
        print_line(exposition::spelled(named) + ' ' + exposition::interval(bucket) + ' ' +
                   std::to_string(bucket.count));
      }
      for (const reader::Exemplar& exemplar : merge.families().exemplars_of(s)) {
        json.push_back(exposition::exemplar_json(named, exemplar));
        if (format == Format::kText) print_line(exposition::spelled(named, exemplar));
      }
    }
  }
  if (format == Format::kJson) print(json);
  return json.empty() ? unreadable("no sample matches " + text + "; 'dump' shows all") : kFine;
}

}  // namespace metrics::inspect
