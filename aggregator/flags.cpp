#include "aggregator/flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <stdexcept>
#include <string_view>

#include "aggregator/command_line.h"
#include "aggregator/exposition/native.h"
#include "aggregator/external_url.h"
#include "aggregator/http/listen_address.h"
#include "aggregator/scrape/owners.h"
#include "aggregator/version.h"

namespace metrics::aggregator {
namespace {

constexpr std::uint32_t kMostNativeBuckets = 100'000;  // more than any series has
constexpr int kMostScrapeThreads = 64;

// The next four return why the value of a flag is refused, or an empty string if it is accepted.
std::string listen_fault(const std::string& address) {
  try {
    http::parse_listen_address(address);
    return "";
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
}

std::string owner_fault(const std::string& user) {
  try {
    [[maybe_unused]] const scrape::Owners owners{{user}};
    return "";
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
}

std::string external_url_fault(const std::string& url) {
  try {
    parse_external_url(url);
    return "";
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
}

std::string path_fault(const std::string& path) {
  const bool plain =
      path.starts_with('/') && path.size() > 1 &&
      std::all_of(path.begin(), path.end(), [](unsigned char c) {
        return c > ' ' && c < 0x7f &&
               std::string_view("?#%<>\"'&").find(static_cast<char>(c)) == std::string_view::npos;
      });
  if (!plain) return "must begin with '/' and need no escapes, e.g. /metrics";
  return "";
}

// Replaces a duration by its milliseconds. Returns why it is refused, or an empty string.
std::string milliseconds_of(std::string& duration) {
  using Count = std::chrono::milliseconds::rep;
  constexpr Count kMinute = Count{60} * 1000, kHour = 60 * kMinute, kDay = 24 * kHour;
  static const CLI::AsNumberWithUnit convert(
      std::map<std::string, Count>{
          {"ms", 1}, {"s", 1000}, {"m", kMinute}, {"h", kHour}, {"d", kDay}},
      CLI::AsNumberWithUnit::UNIT_REQUIRED);
  const std::string given = duration;
  // CLI11 takes a unit alone for 1 of it, and a number may be negative.
  const bool begins_well = !given.empty() && given[0] >= '0' && given[0] <= '9';
  constexpr Count kMost = 36'500 * kDay;  // more would not fit into a clock's durations
  try {
    if (begins_well && convert(duration).empty() && std::stoll(duration) <= kMost) return "";
  } catch (const CLI::ValidationError&) {  // its text does not name what to write instead
  }
  return '"' + given +
         "\" is not a duration; write a whole number and ms, s, m, h or d, e.g. 30m, at most "
         "36500d";
}

}  // namespace

std::string unexpected_argument(const CLI::App& app) {
  std::vector<std::string> known;
  for (const CLI::Option* const option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  }
  return unexpected(app.remaining(), known);
}

std::vector<std::pair<std::string, std::string>> spelled(const Flags& flags) {
  const auto list = [](const std::vector<std::string>& values) {
    std::string text;
    for (const std::string& value : values) text.append(text.empty() ? "" : " ").append(value);
    return text;
  };
  const auto yes = [](bool value) { return std::string(value ? "true" : "false"); };
  return {{"--segment", list(flags.segments)},
          {"--segment.owner", list(flags.owners)},
          {"--series.expire-after", std::to_string(flags.expire_after_ms) + "ms"},
          {"--scrape.threads", std::to_string(flags.scrape_threads)},
          {"--native-histograms", yes(flags.native_histograms)},
          {"--native-histogram.max-buckets", std::to_string(flags.native_max_buckets)},
          {"--openmetrics.created-lines", yes(flags.created_lines)},
          {"--web.listen-address", list(flags.listen)},
          {"--web.systemd-socket", yes(flags.systemd_socket)},
          {"--web.config.file", flags.web_config},
          {"--web.telemetry-path", flags.path},
          {"--web.max-requests", std::to_string(flags.max_requests)},
          {"--web.max-connections", std::to_string(flags.max_connections)},
          {"--web.external-url", flags.external_url},
          {"--web.disable-exporter-metrics", yes(flags.disable_exporter_metrics)},
          {"--log.level", flags.log_level},
          {"--log.format", flags.log_format}};
}

void define(CLI::App& app, Flags& flags) {
  app.set_help_flag("-h,--help", "Print this and exit");
  app.get_formatter()->column_width(34);
  app.add_option("--segment", flags.segments,
                 "A segment, or a directory with segments; repeatable.\n"
                 "They need not exist yet. Default: $METRICS_SEGMENT,\n"
                 "else /dev/shm/metrics-UID")
      ->type_name("PATH")
      ->option_text("PATH")
      ->check([](const std::string& path) {
        return path.empty() ? "the path is empty; leave the flag out for the default" : "";
      });
  app.add_option("--segment.owner", flags.owners,
                 "A user whose segments are served too, by name or\n"
                 "number; repeatable. Default: this process's user,\n"
                 "root, and the group $METRICS_GROUP")
      ->option_text("USER")
      ->check(owner_fault);
  app.add_option("--series.expire-after", flags.expire_after_ms,
                 "Leave out counters, histograms and summaries with\n"
                 "labels that have not changed for longer, e.g. 30m,\n"
                 "until they change. Default: 0s, never, since\n"
                 "OpenMetrics 1.0 says that exposers must not exclude\n"
                 "a metric merely because it had no recent changes")
      ->option_text("DURATION")
      ->transform(CLI::Validator(&milliseconds_of, ""));
  app.add_option("--scrape.threads", flags.scrape_threads,
                 "Threads that share a scrape of several hundred\n"
                 "thousand series; a smaller one has one. Default: 1")
      ->option_text("N")
      ->check(CLI::Range(1, kMostScrapeThreads));
  app.add_flag("--native-histograms", flags.native_histograms,
               "=false: protobuf without native buckets, for servers\n"
               "that ask for it and can't ingest them");
  app.add_option("--native-histogram.max-buckets", flags.native_max_buckets,
                 "Native buckets that a series is shown with at most;\n"
                 "more are shown in a coarser resolution. Default: " +
                     std::to_string(flags.native_max_buckets))
      ->option_text("N")
      ->check(CLI::Range(exposition::NativeRules::kLeastBuckets, kMostNativeBuckets));
  app.add_flag("--openmetrics.created-lines", flags.created_lines,
               "Add a sample x_created to each series x that counts,\n"
               "in OpenMetrics. Most servers store it as a series");
  app.add_option("--web.listen-address", flags.listen,
                 "HOST:PORT, [IPV6]:PORT, :PORT (every interface) or\n"
                 "unix:PATH; repeatable. Default: sockets that systemd\n"
                 "has passed, else :8001")
      ->option_text("ADDRESS")
      ->check(listen_fault);
  app.add_flag("--web.systemd-socket", flags.systemd_socket,
               "Serve on systemd's sockets, and fail if there are\nnone");
  app.add_option("--web.config.file", flags.web_config,
                 "TLS, users and headers, in the format of Prometheus's\n"
                 "exporters; read anew when it changes")
      ->option_text("PATH");
  app.add_option("--web.telemetry-path", flags.path,
                 "Path of the exposition. Default: " + flags.path)
      ->option_text("PATH")
      ->check(path_fault);
  app.add_option("--web.max-requests", flags.max_requests,
                 "Requests served at a time, 1 to 1000; more get 503.\nDefault: " +
                     std::to_string(flags.max_requests))
      ->option_text("N")
      ->check(CLI::Range(1, 1000));
  app.add_option("--web.max-connections", flags.max_connections,
                 "Connections at a time; another one closes the one\n"
                 "that has been idle for longest. Default: " +
                     std::to_string(flags.max_connections))
      ->option_text("N")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--web.external-url", flags.external_url,
                 "URL by which users and Prometheus reach it, e.g.\n"
                 "through a proxy; its path precedes that of each page")
      ->option_text("URL")
      ->check(external_url_fault);
  app.add_flag("--web.disable-exporter-metrics", flags.disable_exporter_metrics,
               "Leave out process_* and metrics_aggregator_*");
  app.add_option("--log.level", flags.log_level,
                 "Least level to log: debug, info, warn or error.\nDefault: " + flags.log_level)
      ->option_text("LEVEL")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
  app.add_option("--log.format", flags.log_format, "logfmt or json. Default: " + flags.log_format)
      ->option_text("FORMAT")
      ->check(CLI::IsMember({"logfmt", "json"}));
  app.set_version_flag("--version", version_text("metrics-aggregator"),
                       "Print version, revision and build, and exit");
}

}  // namespace metrics::aggregator
