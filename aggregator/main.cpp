// main.cpp -- metrics-aggregator: the command line, the routes and the signals.
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/command_line.h"
#include "aggregator/http/content_negotiation.h"
#include "aggregator/http/listen_address.h"
#include "aggregator/http/server.h"
#include "aggregator/log.h"
#include "aggregator/scrape/scrape.h"
#include "libmetrics/format/error.h"
#include "libmetrics/format/name.h"

namespace {

using namespace metrics;
using namespace metrics::aggregator;

struct Flags {
  std::vector<std::string> segments;
  std::vector<std::string> listen = {":8001"};
  std::string path = "/metrics";
  int max_requests = 40;
  std::string log_level = "info";
  std::string log_format = "logfmt";
};

constexpr int kFailed = 1;
constexpr int kUsage = 2;

constexpr const char* kHealthy = "/-/healthy";
constexpr const char* kReady = "/-/ready";

// Why a flag's value can't be; empty if it can.
std::string listen_fault(const std::string& address) {
  try {
    http::parse_listen_address(address);
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
  if (!plain) return "must begin with '/' and hold only what needs no escape, e.g. /metrics";
  if (path == kHealthy || path == kReady) return path + " is for health checks; choose another one";
  return "";
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
  app.add_option("--web.listen-address", flags.listen,
                 "Address to listen on; repeatable. Default: :8001")
      ->option_text("HOST:PORT")
      ->check(listen_fault);
  app.add_option("--web.telemetry-path", flags.path,
                 "Path of the exposition. Default: " + flags.path)
      ->option_text("PATH")
      ->check(path_fault);
  app.add_option("--web.max-requests", flags.max_requests,
                 "Requests served at a time, 1 to 1000; more get 503.\nDefault: " +
                     std::to_string(flags.max_requests))
      ->option_text("N")
      ->check(CLI::Range(1, 1000));
  app.add_option("--log.level", flags.log_level,
                 "Least level to log: debug, info, warn or error.\nDefault: " + flags.log_level)
      ->option_text("LEVEL")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
  app.add_option("--log.format", flags.log_format, "logfmt or json. Default: " + flags.log_format)
      ->option_text("FORMAT")
      ->check(CLI::IsMember({"logfmt", "json"}));
  app.set_version_flag("--version", std::string("metrics-aggregator ") + METRICS_VERSION,
                       "Print the version and exit");
}

std::string landing_page(const std::string& path) {
  return "<!doctype html>\n<html lang=\"en\"><head><meta "
         "charset=\"utf-8\"><title>metrics-aggregator</title>"
         "</head>\n<body><h1>metrics-aggregator</h1>\n<p>Version " METRICS_VERSION
         "</p>\n<ul>\n<li><a href=\"" +
         path +
         "\">Metrics</a></li>\n<li><a href=\"/-/healthy\">Healthy</a></li>\n"
         "<li><a href=\"/-/ready\">Ready</a></li>\n</ul></body></html>\n";
}

http::Response metrics_response(scrape::Scrape& scrape, const http::Request& request) {
  const bool gzip = http::wants_gzip(request.header("Accept-Encoding"));
  http::Response response;
  response.content_type = exposition::TextEncoder::content_type();
  response.headers = {{"Vary", "Accept-Encoding"}};
  if (gzip) response.headers.emplace_back("Content-Encoding", "gzip");
  response.body =
      scrape.exposition(gzip ? scrape::Scrape::Encoding::kGzip : scrape::Scrape::Encoding::kPlain,
                        request.query_values("name[]"));
  return response;
}

http::Routes routes(scrape::Scrape& scrape, const Flags& flags) {
  http::Response page = http::text_response(200, landing_page(flags.path));
  page.content_type = "text/html; charset=utf-8";
  http::Routes table;
  table["/"] = {[page](const http::Request&) { return page; }};
  table[kHealthy] = {[](const http::Request&) {
                       return http::text_response(200, "metrics-aggregator is healthy.\n");
                     },
                     http::Route::Limit::kExempt};
  // Ready as soon as it listens: a segment that isn't there yet is told by metrics_segment_up.
  table[kReady] = {[](const http::Request&) {
                     return http::text_response(200, "metrics-aggregator is ready.\n");
                   },
                   http::Route::Limit::kExempt};
  table[flags.path] = {[&scrape](const http::Request& r) { return metrics_response(scrape, r); }};
  return table;
}

int serve(const Flags& flags) {
  // Blocked before any thread starts, so that all inherit it and sigwait gets them.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);

  log_info("starting", {{"version", METRICS_VERSION}, {"pid", std::to_string(::getpid())}});
  scrape::Scrape scrape(flags.segments, metrics::reader::Access::kMapped);
  http::HttpOptions options;
  options.listen = flags.listen;
  options.max_requests = flags.max_requests;
  options.log = [](std::string_view line) { log_warn(line); };
  http::HttpServer server(options, routes(scrape, flags));
  for (std::size_t i = 0; i < flags.listen.size(); ++i) {
    const std::string& given = flags.listen[i];
    const std::string host = given.substr(0, given.rfind(':'));
    log_info("listening", {{"address", (host.empty() ? "0.0.0.0" : host) + ':' +
                                           std::to_string(server.ports()[i])},
                           {"path", flags.path}});
  }
  scrape.look();
  int signal = 0;
  sigwait(&ends, &signal);
  log_info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
  // Whoever doesn't want to wait for the responses under way sends a second one.
  pthread_sigmask(SIG_UNBLOCK, &ends, nullptr);
  server.stop();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Serves the metrics of all workers that share a segment, to Prometheus.",
               "metrics-aggregator"};
  Flags flags;
  define(app, flags);
  try {
    if (const auto flag = metrics::aggregator::flag_without_value(argc, argv); !flag.empty()) {
      throw CLI::ArgumentMismatch(std::string(flag) + " has no value");
    }
    app.parse(argc, argv);
    // Like --segment: a directory is one of segments.
    if (const std::string given = metrics::format::segment_variable();
        flags.segments.empty() && !given.empty()) {
      flags.segments.push_back(given);
    }
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    std::fprintf(stderr, "metrics-aggregator: %s; see --help\n", e.what());
    return kUsage;
  }
  // Expositions are made by one thread at a time, and by any of dozens: were each to take its
  // memory from an arena of its own, every arena would come to hold what an exposition takes.
  ::mallopt(M_ARENA_MAX, 1);
  set_up_log(flags.log_level, flags.log_format == "json" ? LogFormat::kJson : LogFormat::kLogfmt);
  try {
    return serve(flags);
  } catch (const std::invalid_argument& e) {
    log_error(e.what());
    return kUsage;
  } catch (const metrics::format::Error& e) {
    log_error(e.what());
    return e.status() == METRICS_INVALID ? kUsage : kFailed;
  } catch (const std::exception& e) {
    log_error(e.what());
    return kFailed;
  }
}
