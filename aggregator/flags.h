// flags.h -- the daemon's command line.
#pragma once

#include <string>
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
  int max_requests = 40;
  std::string log_level = "info";
  std::string log_format = "logfmt";
};

// Defines the flags, each with its help, its default and its check. Parsing fills `flags`, which
// must outlive the parsing.
void define(CLI::App& app, Flags& flags);

}  // namespace metrics::aggregator
