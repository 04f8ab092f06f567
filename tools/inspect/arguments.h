// arguments.h -- the commands of metrics-inspect, their options and their help.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "tools/inspect/commands.h"

namespace metrics::inspect {

// Holds what app() parses; run() then runs the command that was given.
class Arguments {
 public:
  Arguments();
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;
  CLI::App& app() { return app_; }
  bool has_command() const { return static_cast<bool>(run_); }
  int run() const { return run_(); }

 private:
  Format format() const { return json_ ? Format::kJson : Format::kText; }
  // Adds a command, whose help ends with these examples, one a line.
  CLI::App* add(const char* name, const char* help, const char* examples,
                std::function<int()> body);
  void add_lists();
  void add_get();
  void add_diff();
  void add_files();
  void add_expose();
  void add_top();

  CLI::App app_;
  std::string path_;
  bool json_ = false;
  std::function<int()> run_;
  bool series_ = false, per_slot_ = false, yes_ = false, own_ = false;
  std::string name_, to_;
  Get get_;
  Diff diff_;
  Top top_;
  std::string exposed_ = "text", escaping_;
  exposition::Options options_;
};

}  // namespace metrics::inspect
