#include "libmetrics/python/extension/removal.h"

#include <string_view>
#include <vector>

#include "libmetrics/setup/directory.h"
#include "libmetrics/setup/series.h"

namespace metrics::python {

const std::atomic<std::uint64_t>* removal_mark(metrics_family* family, const char* const* values,
                                               std::size_t count) {
  const std::vector<std::string_view> strings(values, values + count);
  const auto& table = reinterpret_cast<const setup::Family*>(family)->table;
  const setup::Series* series = table.find(format::strings_hash(strings), strings);
  return series == nullptr ? nullptr : series->removed;
}

bool is_counted_nowhere(metrics_family* family) {
  return reinterpret_cast<const setup::Family*>(family)->offset() == 0;
}

}  // namespace metrics::python
