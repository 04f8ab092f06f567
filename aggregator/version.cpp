#include "aggregator/version.h"

#include <revision.h>  // made by tools/revision.cmake for each build

namespace metrics::aggregator {

std::string_view revision() noexcept { return METRICS_REVISION; }

std::string_view build() noexcept { return METRICS_BUILD; }

std::string version_text(std::string_view program) {
  return std::string(program) + " " METRICS_VERSION "\n  revision: " METRICS_REVISION
                                "\n  build:    " METRICS_BUILD;
}

}  // namespace metrics::aggregator
