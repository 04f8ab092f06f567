// main.cpp -- metrics-aggregator: the command line, the routes and the signals.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "aggregator/content_negotiation.h"
#include "aggregator/http_server.h"
#include "aggregator/log.h"
#include "aggregator/scrape.h"
#include "libmetrics/error.h"

namespace {

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

void define(CLI::App& app, Flags& flags) {
  app.set_version_flag("--version", std::string("metrics-aggregator ") + METRICS_VERSION);
  app.add_option(
      "--segment", flags.segments,
      "Path of a segment, or of a directory with segments; repeatable. They need not exist yet. "
      "Default: $METRICS_SEGMENT, else /dev/shm/metrics-UID");
  app.add_option("--web.listen-address", flags.listen, "Address to listen on; repeatable")
      ->capture_default_str();
  app.add_option("--web.telemetry-path", flags.path, "Path of the exposition")
      ->capture_default_str()
      ->check([](const std::string& path) {
        return path.starts_with('/') && path.size() > 1 &&
                       path.find_first_of("?# %") == std::string::npos
                   ? ""
                   : "must begin with '/' and hold no '?', '#', '%' or blank, e.g. /metrics";
      });
  app.add_option("--web.max-requests", flags.max_requests,
                 "Requests served at a time; more get 503")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app.add_option("--log.level", flags.log_level, "Least level to log")
      ->capture_default_str()
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
  app.add_option("--log.format", flags.log_format, "Format of the log")
      ->capture_default_str()
      ->check(CLI::IsMember({"logfmt", "json"}));
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

Response metrics_response(Scrape& scrape, const Request& request) {
  const bool gzip = wants_gzip(request.header("Accept-Encoding"));
  Response response;
  response.content_type = TextEncoder::content_type();
  response.headers = {{"Vary", "Accept-Encoding"}};
  if (gzip) response.headers.emplace_back("Content-Encoding", "gzip");
  response.body = scrape.exposition(gzip ? Scrape::Encoding::kGzip : Scrape::Encoding::kPlain);
  return response;
}

Routes routes(Scrape& scrape, const Flags& flags) {
  Response page = text_response(200, landing_page(flags.path));
  page.content_type = "text/html; charset=utf-8";
  Routes table;
  table["/"] = {[page](const Request&) { return page; }};
  table["/-/healthy"] = {
      [](const Request&) { return text_response(200, "metrics-aggregator is healthy.\n"); },
      Route::Limit::kExempt};
  // Ready as soon as it listens: a segment that isn't there yet is told by metrics_segment_up.
  table["/-/ready"] = {
      [](const Request&) { return text_response(200, "metrics-aggregator is ready.\n"); },
      Route::Limit::kExempt};
  table[flags.path] = {[&scrape](const Request& r) { return metrics_response(scrape, r); }};
  return table;
}

int serve(const Flags& flags) {
  // Blocked before any thread starts, so that all inherit it and sigwait gets them.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);

  Scrape scrape(flags.segments);
  HttpOptions options;
  options.listen = flags.listen;
  options.max_requests = flags.max_requests;
  options.log = [](std::string_view line) { log_warn(line); };
  HttpServer server(options, routes(scrape, flags));
  for (std::size_t i = 0; i < flags.listen.size(); ++i) {
    const std::string& given = flags.listen[i];
    const std::string host = given.substr(0, given.rfind(':'));
    log_info("listening", {{"address", (host.empty() ? "0.0.0.0" : host) + ':' +
                                           std::to_string(server.ports()[i])},
                           {"path", flags.path}});
  }
  for (const std::string& file : scrape.files()) log_info("serving", {{"segment", file}});
  int signal = 0;
  sigwait(&ends, &signal);
  log_info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
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
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    std::fprintf(stderr, "metrics-aggregator: %s; see --help\n", e.what());
    return kUsage;
  }
  set_up_log(flags.log_level, flags.log_format == "json" ? LogFormat::kJson : LogFormat::kLogfmt);
  try {
    return serve(flags);
  } catch (const std::invalid_argument& e) {
    log_error(e.what());
    return kUsage;
  } catch (const metrics::core::Error& e) {
    log_error(e.what());
    return e.status() == METRICS_INVALID ? kUsage : kFailed;
  } catch (const std::exception& e) {
    log_error(e.what());
    return kFailed;
  }
}
