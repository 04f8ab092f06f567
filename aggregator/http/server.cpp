#include "aggregator/http/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "aggregator/http/backend.h"
#include "aggregator/http/front.h"
#include "aggregator/http/listen_address.h"
#include "aggregator/web/rules_file.h"

namespace metrics::http {
namespace {

void check(const HttpOptions& options, const Routes& routes) {
  if (options.listen.empty() && options.inherited.empty()) {
    throw std::invalid_argument("no address to listen on was given");
  }
  constexpr int kMany = 10'000;
  const auto in_range = [](int threads) { return threads >= 1 && threads <= kMany; };
  if (!in_range(options.max_requests)) {
    throw std::invalid_argument("max_requests must be 1 to 10000");
  }
  if (!in_range(options.spare_threads)) {
    throw std::invalid_argument("spare_threads must be 1 to 10000");
  }
  if (options.max_connections < 1) {
    throw std::invalid_argument("max_connections must be at least 1");
  }
  if (std::min({options.request_timeout, options.response_timeout, options.keep_alive}).count() <
      1) {
    throw std::invalid_argument("timeouts must be at least 1 ms");
  }
  for (const auto& [path, route] : routes) {
    if (!route.handler) throw std::invalid_argument("no handler for " + path);
  }
}

std::vector<Listener> listen_on_all(const HttpOptions& options) {
  std::vector<ListenAddress> addresses;
  addresses.reserve(options.listen.size());
  for (const std::string& given : options.listen) addresses.push_back(parse_listen_address(given));
  check_distinct(addresses);
  std::vector<Listener> listeners;
  listeners.reserve(addresses.size() + options.inherited.size());
  // First, while none of these descriptors can be one of our own.
  for (const int descriptor : options.inherited) listeners.push_back(adopt(descriptor));
  for (const ListenAddress& address : addresses) listeners.push_back(listen_on(address));
  return listeners;
}

Front::Options front_options(const HttpOptions& options, int threads, web::RulesFile& rules) {
  return {.bounds = {.connections = connection_limit(options),
                     .buffered_bytes = options.max_buffered_bytes},
          .rules = &rules,
          .threads = threads,
          .request_timeout = options.request_timeout,
          .response_timeout = options.response_timeout,
          .keep_alive = options.keep_alive};
}

}  // namespace

std::size_t connection_limit(const HttpOptions& options) noexcept {
  rlimit descriptors{};
  const bool known = ::getrlimit(RLIMIT_NOFILE, &descriptors) == 0;
  const auto wanted = static_cast<rlim_t>(options.max_connections);
  if (!known || descriptors.rlim_cur == RLIM_INFINITY) return wanted;
  return std::clamp<rlim_t>(descriptors.rlim_cur / 2, 1, wanted);
}

class HttpServer::Server {
 public:
  Server(HttpOptions options, Routes routes, std::vector<Listener> listeners)
      : request_timeout_(options.request_timeout),
        rules_(options.rules != nullptr ? std::move(options.rules)
                                        : std::make_shared<web::RulesFile>()),
        backend_({.max_requests = options.max_requests,
                  .threads = threads(options),
                  .log = std::move(options.log),
                  .rules = rules_.get()},
                 std::move(routes)),
        front_(front_options(options, threads(options), *rules_), named(std::move(listeners)),
               backend_) {}
  ~Server() { stop(); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const std::vector<std::string>& addresses() const noexcept { return addresses_; }
  const std::vector<std::uint16_t>& ports() const noexcept { return ports_; }

  Counts counts() {
    Counts counts;
    front_.count_into(counts);
    counts.buffered_bytes += backend_.answers().bytes();
    counts.requests = static_cast<std::uint64_t>(backend_.requests());
    return counts;
  }

  bool alive() noexcept { return front_.alive(); }

  void stop() noexcept {
    const std::lock_guard lock(stopping_);
    if (std::exchange(stopped_, true)) return;
    const auto deadline = std::chrono::steady_clock::now() + request_timeout_;
    backend_.refuse();
    front_.finish(deadline);
    backend_.stop();
  }

 private:
  static int threads(const HttpOptions& options) {
    return options.max_requests + options.spare_threads;
  }

  // Notes where they listen.
  std::vector<Listener> named(std::vector<Listener> listeners) {
    for (const Listener& listener : listeners) {
      addresses_.push_back(listener.address);
      ports_.push_back(listener.port.value_or(0));
    }
    return listeners;
  }

  const std::chrono::milliseconds request_timeout_;
  const std::shared_ptr<web::RulesFile> rules_;
  std::vector<std::string> addresses_;
  std::vector<std::uint16_t> ports_;
  Backend backend_;
  Front front_;

  std::mutex stopping_;  // guards stopped_
  bool stopped_ = false;
};

HttpServer::HttpServer(HttpOptions options, Routes routes) {
  check(options, routes);
  std::vector<Listener> listeners = listen_on_all(options);
  server_ = std::make_unique<Server>(std::move(options), std::move(routes), std::move(listeners));
}

HttpServer::~HttpServer() = default;

const std::vector<std::string>& HttpServer::addresses() const noexcept {
  return server_->addresses();
}

const std::vector<std::uint16_t>& HttpServer::ports() const noexcept { return server_->ports(); }

Counts HttpServer::counts() const { return server_->counts(); }

bool HttpServer::alive() noexcept { return server_->alive(); }

void HttpServer::stop() noexcept { server_->stop(); }

}  // namespace metrics::http
