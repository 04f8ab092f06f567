#include "aggregator/http/backend.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <netinet/in.h>

#include <array>
#include <chrono>
#include <exception>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "aggregator/http/admission.h"
#include "aggregator/http/ascii.h"
#include "aggregator/http/gate.h"
#include "aggregator/http/private_socket.h"
#include "aggregator/http/request_head.h"

namespace metrics::http {
namespace {

// Only the front closes connections that are idle or unfinished: civetweb never does so at the same
// moment in which the next request comes.
constexpr const char* kAnHour = "3600000";

// Initialises civetweb once, since that is not thread-safe; it need not be undone. Leaves out the
// TLS feature: Debian 12's civetweb crashes in its first handshake with OpenSSL 3.
void initialise_civetweb() {
  [[maybe_unused]] static const unsigned features = mg_init_library(MG_FEATURES_DEFAULT);
}

// Returns true for a connection that was made to civetweb's own socket, in the moment before the
// private one took its place. A connection over the private one has no such address.
bool came_over_tcp(const mg_connection* connection) noexcept {
  const mg_request_info* const info = mg_get_request_info(connection);
  in_addr ignored{};
  return info == nullptr || ::inet_pton(AF_INET, info->remote_addr, &ignored) == 1;
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

Answer render(const mg_connection* connection, const web::Rules& rules, Response response,
              AfterResponse then) {
  response.headers.insert(response.headers.end(), rules.headers.begin(), rules.headers.end());
  const char* const reason = mg_get_response_code_text(connection, response.status);
  return {render_head(response, reason, then), response.body, then};
}

}  // namespace

// civetweb calls the static functions from its own threads. civetweb is written in C, so no
// exception may pass through it.
class Backend::Civetweb {
 public:
  Civetweb(Options options, Routes routes);
  ~Civetweb() { stop(); }
  Civetweb(const Civetweb&) = delete;
  Civetweb& operator=(const Civetweb&) = delete;

  void stop() noexcept;

  PrivateSocket socket;
  Answers answers;
  Admission admission;
  Gate gate;

 private:
  static Civetweb& of(const mg_connection* connection) {
    return *static_cast<Civetweb*>(mg_get_user_data(mg_get_context(connection)));
  }
  static int on_log_message(const mg_connection* connection, const char* message) noexcept;
  static int on_begin_request(mg_connection* connection) noexcept;
  static int on_http_error(mg_connection* connection, int status, const char* message) noexcept;
  static void on_connection_close(const mg_connection* connection) noexcept;

  void start();
  void log(std::string_view line) const noexcept;
  std::pair<int, Answer> serve(const mg_connection* connection);
  AfterResponse after(const mg_request_info& info, const Request& request) const;
  bool hand_over(mg_connection* connection, Answer answer);

  const Options options_;
  const Routes routes_;

  std::mutex starting_;  // guards the next two
  bool started_ = false;
  std::vector<std::string> start_log_;  // civetweb's messages until then

  std::mutex stopping_;  // guards context_
  mg_context* context_ = nullptr;
};

Backend::Civetweb::Civetweb(Options options, Routes routes)
    : socket(options.threads),
      admission(options.max_requests),
      options_(std::move(options)),
      routes_(std::move(routes)) {
  start();
}

void Backend::Civetweb::start() {
  initialise_civetweb();
  // decode_url would turn "/metrics%00x" into "/metrics". There is no document root, so no files.
  const std::vector<std::pair<const char*, std::string>> settings = {
      {"listening_ports", "127.0.0.1:0"},
      {"num_threads", std::to_string(options_.threads)},
      {"request_timeout_ms", kAnHour},
      {"enable_keep_alive", "yes"},
      {"keep_alive_timeout_ms", kAnHour},
      {"max_request_size", std::to_string(kMaxHead)},
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
  callbacks.begin_request = on_begin_request;
  callbacks.http_error = on_http_error;
  callbacks.connection_close = on_connection_close;

  std::array<char, 256> reason{};
  mg_error_data error{.code = nullptr, .text = reason.data(), .text_buffer_size = reason.size()};
  mg_init_data init{
      .callbacks = &callbacks, .user_data = this, .configuration_options = names_and_values.data()};
  context_ = mg_start2(&init, &error);
  {
    // civetweb's own error only reports that there was one; its log has the reason.
    const std::lock_guard lock(starting_);
    if (context_ == nullptr) {
      throw std::runtime_error("cannot serve HTTP: " +
                               (start_log_.empty() ? reason.data() : start_log_.front()));
    }
    started_ = true;
  }
  try {
    mg_server_port bound{};
    mg_get_server_ports(context_, 1, &bound);
    socket.take_place_of(static_cast<std::uint16_t>(bound.port));
  } catch (...) {
    mg_stop(context_);  // its threads use this object
    throw;
  }
}

void Backend::Civetweb::stop() noexcept {
  const std::lock_guard lock(stopping_);
  if (context_ == nullptr) return;
  // civetweb's listening thread would notice the end only after 2 s, but a connection wakes it.
  std::jthread knocker;
  try {
    knocker = std::jthread([this](const std::stop_token& stopped) {
      while (!stopped.stop_requested() && socket.connect()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
  } catch (const std::system_error&) {  // no thread available: stopping takes those 2 s
  }
  mg_stop(context_);
  context_ = nullptr;
}

void Backend::Civetweb::log(std::string_view line) const noexcept {
  if (!options_.log) return;
  try {
    options_.log(line);
  } catch (...) {  // a log that fails must not end the server
  }
}

int Backend::Civetweb::on_log_message(const mg_connection* connection,
                                      const char* message) noexcept {
  constexpr int kDoNotLogYourself = 1;
  Civetweb& self = of(connection);
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

// Answers every request, so that none reaches civetweb's own files, CGI, WebDAV or websockets.
int Backend::Civetweb::on_begin_request(mg_connection* connection) noexcept {
  Civetweb& self = of(connection);
  try {
    auto [status, answer] = self.serve(connection);
    if (answer.then == AfterResponse::kClose) mg_disable_connection_keep_alive(connection);
    if (!self.hand_over(connection, std::move(answer))) {
      mg_disable_connection_keep_alive(connection);
    }
    return status;
  } catch (...) {  // out of memory, even for the 500
    mg_disable_connection_keep_alive(connection);
    return 500;
  }
}

// Returns the status, too. The seat is free again before the client can get the answer, so a client
// that asks again at once is not in its own way.
std::pair<int, Answer> Backend::Civetweb::serve(const mg_connection* connection) {
  Admission::Visit visit(admission);
  const mg_request_info& info = *mg_get_request_info(connection);
  Request request = request_of(info);
  const auto rules = options_.rules->current();
  if (rules->has_tls()) request.scheme = "https";
  const auto reply_with = [&](const Response& response) {
    Answer answer = render(connection, *rules, response, after(info, request));
    if (request.method == "HEAD") answer.body = nullptr;
    return std::pair(response.status, std::move(answer));
  };
  const auto reply_500 = [&](std::string_view why) {
    log(std::string(request.method) + ' ' + std::string(request.path) + ": " + std::string(why));
    return reply_with(text_response(500, "The server failed; its log says why.\n"));
  };
  try {
    // Before a route is chosen: what there is at a path is nobody's business either.
    if (const std::optional<Response> refusal = gate.refusal(*rules, request)) {
      return reply_with(*refusal);
    }
    return reply_with(dispatch(routes_, request, visit));
  } catch (const std::exception& e) {
    return reply_500(e.what());
  } catch (...) {
    return reply_500("threw something that is not a std::exception");
  }
}

// Returns whether the connection stays open. It is closed behind a request with a body, which is
// never read: it would have to be skipped before the next request, however long that takes.
// civetweb applies its own rules to the same headers afterwards. They are wider than these, so it
// too keeps every connection open that is kept open here.
AfterResponse Backend::Civetweb::after(const mg_request_info& info, const Request& request) const {
  const std::string connection = request.header("Connection");
  const bool wanted = connection.empty() ? std::string_view(info.http_version) == "1.1"
                                         : equal_ignoring_case(connection, "keep-alive");
  const bool has_body = info.content_length > 0 || !request.header("Transfer-Encoding").empty();
  return wanted && !has_body && !admission.closed() ? AfterResponse::kKeepAlive
                                                    : AfterResponse::kClose;
}

// Returns false if the answer reaches nobody.
bool Backend::Civetweb::hand_over(mg_connection* connection, Answer answer) {
  if (came_over_tcp(connection)) return false;
  const Answers::Ticket ticket = answers.put(std::move(answer));
  if (mg_write(connection, &ticket, sizeof(ticket)) == int{sizeof(ticket)}) return true;
  answers.take(ticket);
  return false;
}

// Answers a request that civetweb can't parse. civetweb closes the connection afterwards.
int Backend::Civetweb::on_http_error(mg_connection* connection, int status,
                                     const char* message) noexcept {
  constexpr int kAnswered = 0;
  Civetweb& self = of(connection);
  mg_set_user_connection_data(connection, &self);  // see on_connection_close()
  try {
    self.hand_over(connection, render(connection, *self.options_.rules->current(),
                                      text_response(status, std::string(message) + '\n'),
                                      AfterResponse::kClose));
  } catch (...) {  // out of memory: closed without an answer
  }
  return kAnswered;
}

// Answers 400 to a request target that is not on this server: "*", or "http://elsewhere/". civetweb
// would hang up without an answer. Such a request is the last of its connection, has a target but
// no local one, and was not answered by on_http_error().
void Backend::Civetweb::on_connection_close(const mg_connection* connection) noexcept {
  const mg_request_info* const info = mg_get_request_info(connection);
  if (info == nullptr || info->request_uri == nullptr || info->local_uri_raw != nullptr) return;
  if (mg_get_user_connection_data(connection) != nullptr) return;
  on_http_error(const_cast<mg_connection*>(connection), 400, "This target is on another server.");
}

Backend::Backend(Options options, Routes routes)
    : civetweb_(std::make_unique<Civetweb>(std::move(options), std::move(routes))) {}

Backend::~Backend() = default;

Descriptor Backend::connect() const noexcept { return civetweb_->socket.connect(); }

Answers& Backend::answers() noexcept { return civetweb_->answers; }

int Backend::requests() const { return civetweb_->admission.visits(); }

void Backend::refuse() noexcept { civetweb_->admission.close(); }

void Backend::stop() noexcept { civetweb_->stop(); }

}  // namespace metrics::http
