#include "libmetrics/reader/verify.h"

#include <string>
#include <vector>

#include "tools/inspect/commands.h"
#include "tools/inspect/output.h"
#include "tools/inspect/path.h"
#include "tools/inspect/progress.h"

namespace metrics::inspect {

int verify(const std::string& path, Format format) {
  reader::Reader reader(segment_at(path));
  std::vector<std::string> faults;
  {
    Progress progress("verify");
    faults = reader::verify(reader, [&](auto done, auto all) { progress(done, all); });
  }
  if (format == Format::kJson) {
    print(Json{{"segment", reader.file()}, {"faults", faults}});
  } else {
    for (const std::string& fault : faults) print_line(fault);
    print_line(reader.file() + ": " + std::to_string(faults.size()) +
               (faults.size() == 1 ? " fault" : " faults"));
  }
  return faults.empty() ? kFine : kFault;
}

}  // namespace metrics::inspect
