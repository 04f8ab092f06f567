// main.cpp -- metrics-inspect: shows what is in a segment. Opens it read-only, with the same reader
// and merge as the aggregator.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/command_line.h"
#include "libmetrics/format/error.h"
#include "tools/inspect/arguments.h"
#include "tools/inspect/commands.h"
#include "tools/inspect/output.h"

namespace {

using namespace metrics::inspect;

int failed(std::string_view what, int code) {
  complain(what);
  return code;
}

// Returns all flags and commands.
std::vector<std::string> words_of(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::Option* const option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  }
  for (const CLI::App* const command : app.get_subcommands({})) {
    words.push_back(command->get_name());
    for (std::string& word : words_of(*command)) words.push_back(std::move(word));
  }
  return words;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App& app = arguments.app();
  try {
    if (const auto flag = metrics::aggregator::flag_without_value(argc, argv); !flag.empty()) {
      throw std::invalid_argument(std::string(flag) + " has no value; see --help");
    }
    app.parse(argc, argv);
    if (!arguments.has_command()) {
      throw std::invalid_argument("a command is missing, e.g. ls; see --help");
    }
    const int status = arguments.run();
    // The disk is full, or the reading end of a pipe is gone: the output is not complete.
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      return failed("can't write all of the output", kFault);
    }
    return status;
  } catch (const CLI::ExtrasError&) {
    return failed(
        metrics::aggregator::unexpected(app.remaining(true), words_of(app)) + "; see --help",
        kUsage);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    return failed(std::string(e.what()) + "; see --help", kUsage);
  } catch (const std::invalid_argument& e) {
    return failed(e.what(), kUsage);
  } catch (const metrics::format::Error& e) {
    return failed(e.what(), e.status() == METRICS_INVALID ? kUsage : kFault);
  } catch (const std::exception& e) {
    return failed(e.what(), kFault);
  }
}
