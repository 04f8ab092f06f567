// main.cpp -- metrics-inspect: shows what is in a segment. Opens it read-only, with the same reader
// and merge as the aggregator.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/command_line.h"
#include "aggregator/version.h"
#include "libmetrics/format/error.h"
#include "libmetrics/format/escaping.h"
#include "tools/inspect/commands.h"
#include "tools/inspect/output.h"

namespace {

using namespace metrics::inspect;
namespace exposition = metrics::exposition;

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
  CLI::App app{"Shows what is in a metrics segment. Exit status: 0 fine, 1 fault, 2 usage.",
               "metrics-inspect"};
  app.set_version_flag("--version", metrics::aggregator::version_text("metrics-inspect"));
  std::string path;
  bool json = false;
  std::function<int()> run;
  app.add_option("--segment", path,
                 "Path of the segment (ls: or of a directory). Default: $METRICS_SEGMENT, else "
                 "/dev/shm/metrics-UID");
  app.add_flag("--json", json, "Print JSON");
  app.require_subcommand(0, 1);  // a missing one is reported below, so that an unknown one is named
  app.fallthrough();             // options may also follow the command

  const auto format = [&json] { return json ? Format::kJson : Format::kText; };
  const auto command = [&](const char* name, const char* help, auto body) {
    CLI::App* sub = app.add_subcommand(name, help);
    sub->callback([&run, body] { run = body; });
    return sub;
  };
  command("ls", "Segments, their size and how full they are", [&] { return ls(path, format()); });
  command("slots", "The owner of each slot, alive or dead, since when",
          [&] { return slots(path, format()); });
  command(
      "dropped",
      "What was dropped or refused, why; which families are hidden, and which removed series are "
      "held back",
      [&] { return dropped(path, format()); });
  bool per_slot = false;
  command("dump", "Families, series and merged values", [&] {
    return per_slot ? dump_per_slot(path, format()) : dump(path, format());
  })->add_flag("--per-slot", per_slot, "Show each slot by itself");
  std::string selector;
  command("get", "The samples of NAME or NAME{label=\"value\",...}",
          [&] { return get(path, selector, format()); })
      ->add_option("NAME", selector,
                   "A family's or a sample's name, with labels that must be there")
      ->required();
  command("verify", "Checks every offset and count, and lists each fault",
          [&] { return verify(path, format()); });
  std::string exposed = "text";
  exposition::Options options;
  bool own = false;
  std::string escaping(metrics::format::to_string(options.escaping));
  CLI::App* const expose_command = command("expose", "What a scrape would show", [&] {
    options.escaping = *metrics::format::escaping_named(escaping);
    return json ? dump(path, Format::kJson)
                : expose(path, *exposition::format_named(exposed), options,
                         own ? Families::kOfSegmentAndAggregator : Families::kOfSegment);
  });
  expose_command
      ->add_option("--format", exposed, "text, openmetrics or protobuf. Default: " + exposed)
      ->check(CLI::IsMember({"text", "openmetrics", "protobuf"}));
  expose_command
      ->add_option("--escaping", escaping,
                   "Of names that are not legacy ones: underscores, allow-utf-8, dots or\n"
                   "values. Default: " +
                       escaping)
      ->check(CLI::IsMember({"underscores", "allow-utf-8", "dots", "values"}));
  expose_command->add_flag("--created-lines", options.created_lines,
                           "OpenMetrics with a sample x_created for each series that counts");
  expose_command->add_flag("--own-metrics", own,
                           "Show what an aggregator with --web.disable-exporter-metrics\n"
                           "would: its metrics about the segment, too, and not those of\n"
                           "its own process");

  try {
    if (const auto flag = metrics::aggregator::flag_without_value(argc, argv); !flag.empty()) {
      throw std::invalid_argument(std::string(flag) + " has no value; see --help");
    }
    app.parse(argc, argv);
    if (!run) throw std::invalid_argument("a command is missing, e.g. ls; see --help");
    const int status = run();
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
