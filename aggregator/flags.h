// flags.h -- the daemon's command line.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace metrics::aggregator {

struct Flags {
  std::vector<std::string> segments;
  std::vector<std::string> owners;
  std::vector<std::string> listen;  // empty: the default, or what systemd has passed
  bool systemd_socket = false;
  std::string web_config;  // empty: none
  std::string path = "/metrics";
  std::string external_url;                            // empty: none
  std::chrono::milliseconds::rep expire_after_ms = 0;  // 0: series never expire
  std::size_t scrape_threads = 1;
  bool created_lines = false;
  bool native_histograms = true;
  std::uint32_t native_max_buckets = 160;
  int max_requests = 40;
  int max_connections = 4096;
  bool disable_exporter_metrics = false;
  std::string log_level = "info";
  std::string log_format = "logfmt";
};

// Returns each flag with its value, as the command line spells both, for people.
std::vector<std::pair<std::string, std::string>> spelled(const Flags& flags);

// Returns one line about arguments that are no flags of the app, after it was parsed.
std::string unexpected_argument(const CLI::App& app);

// Defines the flags, each with its help, its default and its check. Parsing fills `flags`, which
// must outlive the parsing.
void define(CLI::App& app, Flags& flags);

}  // namespace metrics::aggregator
