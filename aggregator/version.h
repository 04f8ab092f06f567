// version.h -- which program this is, for --version and bug reports.
#pragma once

#include <string>
#include <string_view>

namespace metrics::aggregator {

// Returns the commit of the source, with "-dirty" if that has been changed since, or "unknown".
std::string_view revision() noexcept;

// Returns the compiler, the configuration and the processor that the program is built by and for.
std::string_view build() noexcept;

// Returns the program's name and version, then the revision and the build, in a line each.
std::string version_text(std::string_view program);

}  // namespace metrics::aggregator
