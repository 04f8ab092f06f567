#include "aggregator/limits.h"

#include <sys/resource.h>

#include "aggregator/endpoints/paging.h"
#include "aggregator/http/request_head.h"

namespace metrics::aggregator {

std::vector<std::pair<std::string, std::uint64_t>> limits(const http::HttpOptions& options) {
  const auto seconds = [](std::chrono::milliseconds time) {
    return static_cast<std::uint64_t>(time.count() / 1000);
  };
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  return {{"requests", static_cast<std::uint64_t>(options.max_requests)},
          {"connections", http::connection_limit(options)},
          {"buffered_bytes", options.max_buffered_bytes},
          {"request_head_bytes", http::kMaxHead},
          {"request_seconds", seconds(options.request_timeout)},
          {"response_seconds", seconds(options.response_timeout)},
          {"idle_seconds", seconds(options.keep_alive)},
          {"api_rows", endpoints::Paging::kMostLimit},
          {"open_files", files.rlim_cur}};
}

}  // namespace metrics::aggregator
