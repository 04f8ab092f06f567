#include "libmetrics/reader/snapshot.h"

#include <string>

#include "aggregator/exposition/utc.h"
#include "libmetrics/format/name.h"
#include "libmetrics/reader/reader.h"
#include "tools/inspect/commands.h"
#include "tools/inspect/output.h"
#include "tools/inspect/path.h"
#include "tools/inspect/progress.h"
#include "tools/inspect/table.h"

namespace metrics::inspect {

int snapshot(const std::string& path, const std::string& to, Format format) {
  const std::string file = format::segment_file(to);
  const std::string from = segment_at(path);
  std::string why;
  {
    Progress progress("snapshot");
    why = reader::take_snapshot(from, file, [&](auto done, auto all) { progress(done, all); });
  }
  if (!why.empty()) return unreadable(why);
  reader::Reader copy(file);
  if (!copy.look()) return unreadable(copy.why());
  const std::string taken = exposition::utc(copy.usage().taken_ns);
  if (format == Format::kJson) {
    print(Json{{"segment", from},
               {"snapshot", file},
               {"taken", taken},
               {"memory_bytes", copy.usage().space_taken}});
  } else {
    print_line(file + ": " + from + " as of " + taken + ", " +
               std::to_string(copy.usage().space_taken / 1024) + "K");
  }
  return kFine;
}

}  // namespace metrics::inspect
