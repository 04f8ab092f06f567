// files.h -- the dashboard's files, which are part of the program.
#pragma once

#include <span>
#include <string_view>

namespace metrics::dashboard {

struct File {
  std::string_view name, content_type, content;
};

// Returns all of them: page.html, the page without its tables, and what it loads. dygraph.min.js
// and dygraph.min.css are among them only if Debian's libjs-dygraphs was there when this was built.
std::span<const File> files() noexcept;

// Returns the content of that file, empty if it is not there.
std::string_view content_of(std::string_view name) noexcept;

}  // namespace metrics::dashboard
