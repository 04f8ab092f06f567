// flags.h -- the daemon's command line.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace metrics::aggregator {

struct Flags {
  std::vector<std::string> segments;
  std::vector<std::string> owners;
  std::vector<std::string> listen = {":8001"};
  std::string path = "/metrics";
  std::chrono::milliseconds::rep expire_after_ms = 0;  // 0: series never expire
  int max_requests = 40;
  std::string log_level = "info";
  std::string log_format = "logfmt";
};

// Defines the flags, each with its help, its default and its check. Parsing fills `flags`, which
// must outlive the parsing.
void define(CLI::App& app, Flags& flags);

}  // namespace metrics::aggregator
