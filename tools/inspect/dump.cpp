#include <string>

#include "aggregator/exposition/json.h"
#include "aggregator/exposition/samples.h"
#include "libmetrics/format/types.h"
#include "libmetrics/reader/merge.h"
#include "tools/inspect/commands.h"
#include "tools/inspect/output.h"
#include "tools/inspect/path.h"

namespace metrics::inspect {
namespace {

void print_families(const reader::Families& families) {
  for (const reader::Family& f : families.families) {
    print_line(std::string(format::to_string(f.type)) + ' ' + f.name + ": " + f.help);
    for (const reader::Series& s : f.series) {
      for (const exposition::Sample& sample : exposition::samples_of(families, f, s)) {
        print_line("  " + exposition::spelled(sample) + ' ' + sample.value);
      }
      for (const exposition::ListedBucket& bucket : exposition::native_buckets(families, f, s)) {
        print_line("  " + exposition::spelled({f.name, s.labels, ""}) + ' ' +
                   exposition::interval(bucket) + ' ' + std::to_string(bucket.count));
      }
      for (const reader::Exemplar& exemplar : families.exemplars_of(s)) {
        print_line("  " + exposition::spelled({f.name, s.labels, ""}, exemplar));
      }
    }
  }
}

}  // namespace

int dump(const std::string& path, Format format) {
  reader::SegmentMerge merge(segment_at(path));
  if (!merge.read() || !merge.read_exemplars()) return unreadable(merge.why());
  format == Format::kJson ? print(exposition::families_json(merge.families()))
                          : print_families(merge.families());
  return kFine;
}

int dump_per_slot(const std::string& path, Format format) {
  reader::Reader reader(segment_at(path));
  if (!reader.look()) return unreadable(reader.why());
  reader::SegmentMerge merge(reader.file());
  Json json = Json::array();
  for (const format::SlotIndex slot : reader.used_slots()) {
    if (!merge.read_slot(slot) || !merge.read_exemplars()) return unreadable(merge.why());
    if (format == Format::kJson) {
      json.push_back({{"slot", slot}, {"families", exposition::families_json(merge.families())}});
    } else {
      print_line("slot " + std::to_string(slot));
      print_families(merge.families());
    }
  }
  if (format == Format::kJson) print(json);
  return kFine;
}

}  // namespace metrics::inspect
