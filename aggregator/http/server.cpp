#include "aggregator/http/server.h"

#include <civetweb.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <stop_token>
#include <system_error>
#include <thread>

#include "aggregator/http/admission.h"
#include "aggregator/http/ascii.h"
#include "aggregator/http/listen_address.h"

namespace metrics::http {
namespace {

constexpr int kMaxRequestSize = 16'384;

// A body of at most this size is sent with its head in one write. Of a larger body, only the
// beginning is copied behind the head, so that no small packet goes ahead of the rest.
constexpr std::size_t kCopiedBody = 16'384;

// mg_write() takes no more than an int can count.
constexpr std::size_t kMaxWrite = std::size_t{1} << 30;

// Initialises civetweb once, since that is not thread-safe; it need not be undone. Leaves out the
// TLS feature: Debian 12's civetweb crashes in its first handshake with OpenSSL 3.
void initialise_civetweb() {
  [[maybe_unused]] static const unsigned features = mg_init_library(MG_FEATURES_DEFAULT);
}

std::string join(const std::vector<ListenAddress>& addresses) {
  std::string joined;
  for (const ListenAddress& address : addresses) {
    if (!joined.empty()) joined += ',';
    joined += address.host + ':' + std::to_string(address.port);
  }
  return joined;
}

void check(const HttpOptions& options, const Routes& routes) {
  if (options.listen.empty()) throw std::invalid_argument("no address to listen on was given");
  constexpr int kMany = 10'000;
  const auto in_range = [](int threads) { return threads >= 1 && threads <= kMany; };
  if (!in_range(options.max_requests)) {
    throw std::invalid_argument("max_requests must be 1 to 10000");
  }
  if (!in_range(options.spare_threads)) {
    throw std::invalid_argument("spare_threads must be 1 to 10000");
  }
  if (options.request_timeout.count() < 1 || options.keep_alive.count() < 1) {
    throw std::invalid_argument("timeouts must be at least 1 ms");
  }
  for (const auto& [path, route] : routes) {
    if (!route.handler) throw std::invalid_argument("no handler for " + path);
  }
}

std::vector<ListenAddress> parse(const std::vector<std::string>& listen) {
  std::vector<ListenAddress> addresses;
  addresses.reserve(listen.size());
  for (const std::string& given : listen) addresses.push_back(parse_listen_address(given));
  return addresses;
}

Request request_of(const mg_request_info& info) {
  Request request;
  request.method = info.request_method;
  request.path = info.local_uri_raw;
  if (info.query_string != nullptr) request.query = info.query_string;
  for (int i = 0; i < info.num_headers; ++i) {
    const mg_header& header = info.http_headers[i];
    request.headers.emplace_back(header.name, header.value);
  }
  return request;
}

struct Reply {
  int status;
  std::string head;
  std::shared_ptr<const std::string> body;
};

Reply render(const mg_connection* connection, const Response& response, AfterResponse after) {
  const char* const reason = mg_get_response_code_text(connection, response.status);
  return {response.status, render_head(response, reason, after), response.body};
}

bool write_all(mg_connection* connection, std::string_view data) {
  while (!data.empty()) {
    const std::size_t size = std::min(data.size(), kMaxWrite);
    if (mg_write(connection, data.data(), size) != static_cast<int>(size)) return false;
    data.remove_prefix(size);
  }
  return true;
}

// Sends the reply. Returns false if the client did not take all of it.
bool send(mg_connection* connection, Reply& reply, bool with_body) {
  const std::string_view body = with_body && reply.body ? *reply.body : std::string_view();
  reply.head += body.substr(0, kCopiedBody);
  return write_all(connection, reply.head) &&
         (body.size() <= kCopiedBody || write_all(connection, body.substr(kCopiedBody)));
}

}  // namespace

// civetweb calls the static functions from its own threads. civetweb is written in C, so no
// exception may pass through it.
class HttpServer::Server {
 public:
  Server(HttpOptions options, Routes routes);
  ~Server() { stop(); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void stop() noexcept;
  const std::vector<std::uint16_t>& ports() const noexcept { return ports_; }

 private:
  static Server& of(const mg_connection* connection) {
    return *static_cast<Server*>(mg_get_user_data(mg_get_context(connection)));
  }
  static int on_log_message(const mg_connection* connection, const char* message) noexcept;
  static int on_init_connection(const mg_connection* connection, void** data) noexcept;
  static int on_begin_request(mg_connection* connection) noexcept;
  static int on_http_error(mg_connection* connection, int status, const char* message) noexcept;
  static void on_connection_close(const mg_connection* connection) noexcept;
  static void on_connection_closed(const mg_connection* connection) noexcept;

  void start();
  std::string why_not_started(const char* error) const;
  void log(std::string_view line) const noexcept;
  int serve(mg_connection* connection, Admission::Visit& visit) const;
  AfterResponse after(const mg_request_info& info, const Request& request) const;

  const HttpOptions options_;
  const Routes routes_;
  const std::vector<ListenAddress> addresses_;
  const int threads_;
  Admission admission_;
  std::atomic<int> connections_{0};
  std::vector<std::uint16_t> ports_;

  std::mutex starting_;  // guards the next two
  bool started_ = false;
  std::vector<std::string> start_log_;  // civetweb's messages until then

  std::mutex stopping_;  // guards context_
  mg_context* context_ = nullptr;
};

HttpServer::Server::Server(HttpOptions options, Routes routes)
    : options_((check(options, routes), std::move(options))),
      routes_(std::move(routes)),
      addresses_(parse(options_.listen)),
      threads_(options_.max_requests + options_.spare_threads),
      admission_(options_.max_requests) {
  start();
}

void HttpServer::Server::start() {
  initialise_civetweb();
  // decode_url would turn "/metrics%00x" into "/metrics". The domain check would refuse absolute
  // request targets, which RFC 9112 demands to accept. There is no document root, so no files.
  const std::vector<std::pair<const char*, std::string>> settings = {
      {"listening_ports", join(addresses_)},
      {"num_threads", std::to_string(threads_)},
      {"request_timeout_ms", std::to_string(options_.request_timeout.count())},
      {"enable_keep_alive", "yes"},
      {"keep_alive_timeout_ms", std::to_string(options_.keep_alive.count())},
      {"max_request_size", std::to_string(kMaxRequestSize)},
      {"tcp_nodelay", "1"},
      {"decode_url", "no"},
      {"enable_auth_domain_check", "no"},
      {"enable_directory_listing", "no"},
      {"access_control_allow_origin", ""},
  };
  std::vector<const char*> names_and_values;
  for (const auto& [name, value] : settings) {
    names_and_values.insert(names_and_values.end(), {name, value.c_str()});
  }
  names_and_values.push_back(nullptr);

  mg_callbacks callbacks{};
  callbacks.log_message = on_log_message;
  callbacks.init_connection = on_init_connection;
  callbacks.begin_request = on_begin_request;
  callbacks.http_error = on_http_error;
  callbacks.connection_close = on_connection_close;
  callbacks.connection_closed = on_connection_closed;

  std::vector<mg_server_port> bound(addresses_.size());
  ports_.reserve(bound.size());
  std::array<char, 256> reason{};
  mg_error_data error{.code = nullptr, .text = reason.data(), .text_buffer_size = reason.size()};
  mg_init_data init{
      .callbacks = &callbacks, .user_data = this, .configuration_options = names_and_values.data()};
  mg_context* const context = mg_start2(&init, &error);

  const std::lock_guard lock(starting_);
  if (context == nullptr) throw std::runtime_error(why_not_started(reason.data()));
  // Nothing may throw from here on: civetweb's threads use this object until stop().
  started_ = true;
  context_ = context;
  const int count = mg_get_server_ports(context, static_cast<int>(bound.size()), bound.data());
  for (int i = 0; i < count; ++i) {
    ports_.push_back(static_cast<std::uint16_t>(bound[static_cast<std::size_t>(i)].port));
  }
}

// Returns the reason why civetweb did not start. civetweb's own error only reports that there was
// one, but its log has "cannot bind to 0.0.0.0:80: 13 (...)": that errno is turned into a line that
// names the address as the user wrote it.
std::string HttpServer::Server::why_not_started(const char* error) const {
  for (const std::string& line : start_log_) {
    for (const ListenAddress& address : addresses_) {
      const std::string before_errno = " to " + join({address}) + ": ";
      const std::size_t at = line.find(before_errno);
      if (at == std::string::npos) continue;
      int number = 0;
      std::from_chars(line.data() + at + before_errno.size(), line.data() + line.size(), number);
      return cannot_listen(address, number);
    }
  }
  return "cannot serve HTTP: " + (start_log_.empty() ? std::string(error) : start_log_.front());
}

void HttpServer::Server::stop() noexcept {
  const std::lock_guard lock(stopping_);
  if (context_ == nullptr) return;
  // mg_stop() breaks off every write, so the responses under way must be written before the call.
  admission_.close();
  admission_.wait_until_empty(options_.request_timeout);
  // civetweb's listening thread would notice the end only after 2 s, but a connection wakes it.
  std::jthread knocker;
  try {
    knocker = std::jthread([this](const std::stop_token& stopped) {
      while (!stopped.stop_requested() && knock(addresses_.front(), ports_.front())) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
  } catch (const std::system_error&) {  // no thread available: stopping takes those 2 s
  }
  mg_stop(context_);
  context_ = nullptr;
}

void HttpServer::Server::log(std::string_view line) const noexcept {
  if (!options_.log) return;
  try {
    options_.log(line);
  } catch (...) {  // a log that fails must not end the server
  }
}

int HttpServer::Server::on_log_message(const mg_connection* connection,
                                       const char* message) noexcept {
  constexpr int kDoNotLogYourself = 1;
  Server& self = of(connection);
  try {
    const std::lock_guard lock(self.starting_);
    if (!self.started_) {
      self.start_log_.emplace_back(message);
      return kDoNotLogYourself;
    }
  } catch (...) {  // out of memory: the message is lost
    return kDoNotLogYourself;
  }
  self.log(message);
  return kDoNotLogYourself;
}

int HttpServer::Server::on_init_connection(const mg_connection* connection, void** data) noexcept {
  of(connection).connections_.fetch_add(1, std::memory_order_relaxed);
  *data = nullptr;
  return 0;
}

void HttpServer::Server::on_connection_closed(const mg_connection* connection) noexcept {
  of(connection).connections_.fetch_sub(1, std::memory_order_relaxed);
}

// Answers every request, so that none reaches civetweb's own files, CGI, WebDAV or websockets.
int HttpServer::Server::on_begin_request(mg_connection* connection) noexcept {
  Server& self = of(connection);
  Admission::Visit visit(self.admission_);
  try {
    return self.serve(connection, visit);
  } catch (...) {  // out of memory, even for the 500
    mg_disable_connection_keep_alive(connection);
    return 500;
  }
}

int HttpServer::Server::serve(mg_connection* connection, Admission::Visit& visit) const {
  const mg_request_info& info = *mg_get_request_info(connection);
  const Request request = request_of(info);
  AfterResponse then = AfterResponse::kClose;
  const auto reply_with = [&](const Response& response) {
    then = after(info, request);
    return render(connection, response, then);
  };
  const auto reply_500 = [&](std::string_view why) {
    log(std::string(request.method) + ' ' + std::string(request.path) + ": " + std::string(why));
    return reply_with(text_response(500, "The server failed; its log says why.\n"));
  };
  Reply reply = [&] {
    try {
      return reply_with(dispatch(routes_, request, visit));
    } catch (const std::exception& e) {
      return reply_500(e.what());
    } catch (...) {
      return reply_500("threw something that is not a std::exception");
    }
  }();
  const bool sent = send(connection, reply, request.method != "HEAD");
  if (!sent || then == AfterResponse::kClose) mg_disable_connection_keep_alive(connection);
  return reply.status;
}

// Returns whether the connection stays open. It is closed behind a request with a body, which is
// never read: before the next request, civetweb would read and drop it, however long that takes.
// civetweb applies its own rules to the same headers afterwards. They are wider than these, so it
// too keeps every connection open that is kept open here.
AfterResponse HttpServer::Server::after(const mg_request_info& info, const Request& request) const {
  const std::string connection = request.header("Connection");
  const bool wanted = connection.empty() ? std::string_view(info.http_version) == "1.1"
                                         : equal_ignoring_case(connection, "keep-alive");
  const bool has_body = info.content_length > 0 || !request.header("Transfer-Encoding").empty();
  const bool crowded = connections_.load(std::memory_order_relaxed) > threads_ / 2;
  return wanted && !has_body && !crowded && !admission_.closed() ? AfterResponse::kKeepAlive
                                                                 : AfterResponse::kClose;
}

// Answers a request that civetweb can't parse. civetweb closes the connection afterwards.
int HttpServer::Server::on_http_error(mg_connection* connection, int status,
                                      const char* message) noexcept {
  constexpr int kAnswered = 0;
  mg_set_user_connection_data(connection, &of(connection));  // see on_connection_close()
  try {
    Reply reply = render(connection, text_response(status, std::string(message) + '\n'),
                         AfterResponse::kClose);
    send(connection, reply, true);
  } catch (...) {  // out of memory: closed without an answer
  }
  return kAnswered;
}

// Answers 400 to a request target that is not on this server: "*", or "http://elsewhere/". civetweb
// would hang up without an answer. Such a request is the last of its connection, has a target but
// no local one, and was not answered by on_http_error().
void HttpServer::Server::on_connection_close(const mg_connection* connection) noexcept {
  const mg_request_info* const info = mg_get_request_info(connection);
  if (info == nullptr || info->request_uri == nullptr || info->local_uri_raw != nullptr) return;
  if (mg_get_user_connection_data(connection) != nullptr) return;
  on_http_error(const_cast<mg_connection*>(connection), 400, "This target is on another server.");
}

HttpServer::HttpServer(HttpOptions options, Routes routes)
    : server_(std::make_unique<Server>(std::move(options), std::move(routes))) {}

HttpServer::~HttpServer() = default;

const std::vector<std::uint16_t>& HttpServer::ports() const noexcept { return server_->ports(); }

void HttpServer::stop() noexcept { server_->stop(); }

}  // namespace metrics::http
