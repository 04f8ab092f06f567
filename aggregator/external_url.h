// external_url.h -- the URL by which users reach the daemon, where that is not what it listens on.
#pragma once

#include <string>
#include <string_view>

namespace metrics::aggregator {

struct ExternalUrl {
  std::string scheme;     // "http" or "https"; empty: there is none
  std::string authority;  // "metrics.example.org" or "metrics.example.org:8443"
  std::string path;       // before the path of each page: empty, or "/workers"
};

// Reads "https://metrics.example.org:8443/workers/"; an empty text is no URL. Throws
// std::invalid_argument, with one line, for anything else.
ExternalUrl parse_external_url(std::string_view given);

}  // namespace metrics::aggregator
