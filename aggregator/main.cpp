// main.cpp -- metrics-aggregator: the pages that it serves, and the signals that end it.
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <exception>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/command_line.h"
#include "aggregator/endpoints/api.h"
#include "aggregator/endpoints/dashboard.h"
#include "aggregator/endpoints/endpoint.h"
#include "aggregator/endpoints/favicon.h"
#include "aggregator/endpoints/health.h"
#include "aggregator/endpoints/http_sd.h"
#include "aggregator/endpoints/metrics.h"
#include "aggregator/external_url.h"
#include "aggregator/flags.h"
#include "aggregator/http/server.h"
#include "aggregator/http_metrics.h"
#include "aggregator/limits.h"
#include "aggregator/log.h"
#include "aggregator/scrape/memory.h"
#include "aggregator/scrape/owners.h"
#include "aggregator/scrape/scrape.h"
#include "aggregator/service.h"
#include "aggregator/systemd_sockets.h"
#include "aggregator/version.h"
#include "aggregator/web/rules_file.h"
#include "libmetrics/format/error.h"
#include "libmetrics/format/name.h"
#include "libmetrics/format/printable.h"

namespace metrics::aggregator {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

constexpr const char* kDefaultAddress = ":8001";

http::HttpOptions http_options(const Flags& flags) {
  http::HttpOptions options;
  options.listen = flags.listen;
  options.max_requests = flags.max_requests;
  options.max_connections = flags.max_connections;
  return options;
}

// Returns all pages except for the landing page, in the order in which the landing page lists them.
std::vector<endpoints::Endpoint> pages(scrape::Scrape& scrape, const Flags& flags,
                                       const ExternalUrl& url) {
  const auto answers = std::make_shared<endpoints::Answers>(
      endpoints::Status{.version = METRICS_VERSION,
                        .revision = std::string(revision()),
                        .build = std::string(build()),
                        .flags = spelled(flags),
                        .limits = limits(http_options(flags))});
  std::vector<endpoints::Endpoint> pages = endpoints::dashboard(scrape, answers);
  pages.push_back(endpoints::metrics_page(
      scrape, flags.path,
      {.created_lines = flags.created_lines,
       .native = {.max_buckets = flags.native_max_buckets, .shown = flags.native_histograms}}));
  for (endpoints::Endpoint& page : endpoints::api(scrape, answers)) {
    pages.push_back(std::move(page));
  }
  pages.push_back(endpoints::http_sd({url.scheme, url.authority}, url.path + flags.path));
  pages.push_back(endpoints::healthy());
  pages.push_back(endpoints::ready());
  pages.push_back(endpoints::favicon());
  return pages;
}

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}

// Waits for a signal that ends the daemon, and returns it. SIGHUP, which asks daemons to read their
// configuration again, never does, and stays blocked. The watchdog hears of this daemon as long as
// segments can be read and connections are served: a scrape that never ends stops that, and so does
// a thread of connections that hangs.
int end_of_service(scrape::Scrape& scrape, const Service& service, http::HttpServer& server,
                   web::RulesFile& rules) {
  const sigset_t awaited = set_of({SIGHUP, SIGTERM, SIGINT});
  for (;;) {
    const int signal = service.signal_or_beat(awaited);
    if (signal == 0) {
      if (server.alive()) {
        service.alive(status_of(scrape));
      } else {
        log_error("no connection is served any more; the watchdog gets no report");
      }
      continue;
    }
    if (signal != SIGHUP) return signal;
    service.reloading();
    if (rules.status()) {
      log_info("SIGHUP: reading the web configuration anew, and looking for segments");
      rules.reload();
    } else {
      log_info(
          "SIGHUP: flags and environment can't change, and there is no configuration file; looking "
          "for segments anew");
    }
    service.ready(status_of(scrape));
  }
}

int wrong_usage(const std::string& why) {
  std::fprintf(stderr, "metrics-aggregator: %s; see --help\n", format::printable(why).c_str());
  return kUsage;
}

// Each segment, and each connection, takes a file. The usual soft limit of 1,024 is there for
// programs that use select(2), and this one does not.
void raise_open_files() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

int serve(const Flags& flags, scrape::Scrape& scrape, http::Routes table) {
  log_info("starting", {{"version", METRICS_VERSION},
                        {"revision", std::string(revision())},
                        {"pid", std::to_string(::getpid())}});
  http::HttpOptions options = http_options(flags);
  options.inherited = systemd_sockets();
  if (flags.systemd_socket && options.inherited.empty()) {
    throw std::invalid_argument(
        "--web.systemd-socket: systemd has passed no socket; enable metrics-aggregator.socket, or "
        "leave the flag out");
  }
  if (options.listen.empty() && options.inherited.empty()) options.listen = {kDefaultAddress};
  options.log = [](std::string_view line) { log_warn(line); };
  options.rules = std::make_shared<web::RulesFile>(
      web::RulesFileOptions{.path = flags.web_config,
                            .log = [](std::string_view line) { log_info(line); },
                            .warn = [](std::string_view line) { log_warn(line); }});
  http::HttpServer server(options, std::move(table));
  scrape.describe_also([&server, &rules = *options.rules](reader::FamiliesBuilder& build) {
    describe_http(build, server.counts());
    describe_rules(build, rules.status());
  });
  for (const std::string& address : server.addresses()) {
    log_info("listening", {{"address", address},
                           {"path", parse_external_url(flags.external_url).path + flags.path},
                           {"tls", options.rules->current()->has_tls() ? "true" : "false"}});
  }
  const Service service;
  service.ready(status_of(scrape));
  const int signal = end_of_service(scrape, service, server, *options.rules);
  service.stopping();
  log_info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
  // A second signal ends the process at once: a user who doesn't want to wait for the responses
  // under way can send one.
  const sigset_t ends = set_of({SIGTERM, SIGINT});
  pthread_sigmask(SIG_UNBLOCK, &ends, nullptr);
  server.stop();
  return 0;
}

}  // namespace
}  // namespace metrics::aggregator

using namespace metrics;
using namespace metrics::aggregator;

int main(int argc, char** argv) {
  // Blocked before any thread starts, so that all threads inherit that and sigwait() gets them.
  const sigset_t awaited = set_of({SIGHUP, SIGTERM, SIGINT});
  pthread_sigmask(SIG_BLOCK, &awaited, nullptr);
  CLI::App app{"Serves the metrics of all workers that share a segment, to Prometheus.",
               "metrics-aggregator"};
  Flags flags;
  define(app, flags);
  std::optional<scrape::Scrape> scrape;
  http::Routes table;
  try {
    if (const auto flag = metrics::aggregator::flag_without_value(argc, argv); !flag.empty()) {
      throw CLI::ArgumentMismatch(std::string(flag) + " has no value");
    }
    app.parse(argc, argv);
    // The variable is read like --segment: if it names a directory, the segments in it are served.
    if (const std::string given = metrics::format::segment_variable();
        flags.segments.empty() && !given.empty()) {
      flags.segments.push_back(given);
    }
    raise_open_files();
    scrape.emplace(flags.segments, reader::Access::kMapped, scrape::Owners(flags.owners),
                   std::chrono::milliseconds(flags.expire_after_ms));
    scrape->use({.most = flags.scrape_threads});
    if (flags.disable_exporter_metrics) scrape->leave_out_aggregator();
    const ExternalUrl url = parse_external_url(flags.external_url);
    table = endpoints::routes(pages(*scrape, flags, url), url.path);
  } catch (const std::invalid_argument& e) {
    return wrong_usage(std::string("--web.telemetry-path: ") + e.what());
  } catch (const CLI::ExtrasError&) {
    return wrong_usage(unexpected_argument(app));
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    return wrong_usage(plain_words(e.what()));
  } catch (const metrics::format::Error& e) {  // $METRICS_GROUP is no group
    return wrong_usage(e.what());
  }
  scrape::set_up_memory();
  set_up_log(flags.log_level, flags.log_format == "json" ? LogFormat::kJson : LogFormat::kLogfmt);
  try {
    return serve(flags, *scrape, std::move(table));
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
