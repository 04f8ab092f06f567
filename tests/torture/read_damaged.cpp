#include "tests/torture/read_damaged.h"

#include <exception>

#include "aggregator/exposition/native.h"
#include "aggregator/exposition/text.h"
#include "libmetrics/reader/held_back.h"
#include "libmetrics/reader/merge.h"
#include "libmetrics/reader/slot_report.h"
#include "tests/torture/exposition.h"
#include "tests/torture/ledger.h"

namespace metrics::torture {

std::string read_damaged(const std::string& file, bool* readable) {
  try {
    reader::SegmentMerge merge(file);
    const bool read = merge.read() && merge.read_exemplars();
    if (readable != nullptr) *readable = read;
    if (!read) return merge.why().empty() ? "unusable, but nobody says why" : "";
    reader::slot_report(merge.reader());
    reader::held_back(merge.reader());
    std::string text;
    exposition::TextEncoder encoder;
    encoder.encode(merge.families(), text);
    for (const reader::Family& family : merge.families().families) {
      if (!family.native || family.series.empty()) continue;
      exposition::NativeEncoder native(family);
      for (const reader::Series& series : family.series) {
        native.encode(merge.families().counts(family, series), 65);
      }
    }
    faults_of(file);  // whatever they are
    return Exposition(text).fault();
  } catch (const std::exception& e) {
    return std::string("threw ") + e.what();
  }
}

}  // namespace metrics::torture
