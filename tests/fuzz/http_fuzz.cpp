// http_fuzz.cpp -- what the HTTP server does with bytes: parsing of headers and queries,
// negotiation, and, through real connections, the whole of it.
//
// An input that begins with kPlan has three bytes behind it that say how clients behave; the rest,
// or an input without a plan, is what each of them sends. Every answer that a client waits for must
// be whole. When all clients have gone, the server must have no connection, no byte and no request
// left.
//
// What follows kRecords is sent to a server that speaks TLS, as it is: records of whatever kind.
// What follows kInTls is what a client sends behind its handshake; the first byte is how much at a
// time.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "aggregator/http/content_negotiation.h"
#include "aggregator/http/listen_address.h"
#include "aggregator/http/request_head.h"
#include "aggregator/http/server.h"
#include "aggregator/web/rules_file.h"
#include "tests/aggregator/web/certificates.h"

namespace {

using namespace metrics::http;

constexpr char kPlan = '\x01';
constexpr std::size_t kPlanSize = 4;
constexpr char kRecords = '\x02';
constexpr char kInTls = '\x03';

// More than the kernel takes for a client that has little room and does not read.
constexpr std::size_t kLarge = 5'000'000;

Response echo(const Request& request) {
  std::string body = wants_gzip(request.header("Accept-Encoding")) ? "gzip" : "plain";
  for (const std::string& name : request.query_values("name[]")) body += '\n' + name;
  return text_response(200, body);
}

// A configuration with a certificate, for as long as the program runs.
class Secure {
 public:
  Secure() {
    const metrics::test::Identity identity = metrics::test::self_signed("localhost");
    std::ofstream(folder_ + "/cert.pem") << identity.certificate;
    std::ofstream(folder_ + "/key.pem") << identity.key;
    std::ofstream(folder_ + "/web.yml")
        << "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n";
    rules = std::make_shared<metrics::web::RulesFile>(
        metrics::web::RulesFileOptions{.path = folder_ + "/web.yml"});
  }
  ~Secure() { std::filesystem::remove_all(folder_); }

  std::shared_ptr<metrics::web::RulesFile> rules;

 private:
  std::string folder_ = [] {
    std::string name = std::filesystem::temp_directory_path() / "metrics-fuzz-XXXXXX";
    return std::string(::mkdtemp(name.data()));
  }();
};

// With TLS and without.
HttpServer& server(bool tls = false) {
  static const Secure secure;
  const auto make_options = [](std::shared_ptr<metrics::web::RulesFile> rules) {
    HttpOptions options;
    options.rules = std::move(rules);
    options.listen = {"127.0.0.1:0"};
    options.max_requests = 2;
    options.spare_threads = 2;
    options.max_connections = 6;
    options.max_buffered_bytes = 3 * kLarge;
    options.request_timeout = std::chrono::milliseconds(2000);
    options.keep_alive = std::chrono::milliseconds(50);
    return options;
  };
  static const Routes routes = {
      {"/metrics", {echo}},
      {"/large", {[body = std::make_shared<const std::string>(kLarge, 'x')](const Request&) {
         Response response;
         response.body = body;
         return response;
       }}}};
  static HttpServer plain(make_options(nullptr), routes);
  static HttpServer encrypted(make_options(secure.rules), routes);
  return tls ? encrypted : plain;
}

[[noreturn]] void fail(const char* what, std::string_view answer) {
  std::fprintf(stderr, "%s: %s\n", what, std::string(answer.substr(0, 1000)).c_str());
  std::abort();
}

// Several answers, one behind the other, each whole. A HEAD's answer has a length, and no body; no
// body begins as an answer does.
void check(std::string_view answer) {
  while (!answer.empty()) {
    const std::size_t end = answer.find("\r\n\r\n");
    if (!answer.starts_with("HTTP/1.1 ") || end == std::string_view::npos) fail("no head", answer);
    const std::string_view head = answer.substr(0, end + 2);
    constexpr std::string_view kLength = "Content-Length: ";
    const std::size_t at = head.find(kLength);
    if (at == std::string_view::npos) fail("no length", head);
    const auto length = std::strtoull(head.data() + at + kLength.size(), nullptr, 10);
    answer.remove_prefix(end + 4);
    if (answer.empty() || answer.starts_with("HTTP/1.1 ")) continue;
    if (length > answer.size()) fail("cut off", head);
    answer.remove_prefix(length);
  }
}

struct Plan {
  std::size_t clients = 1;     // at once, each sends the same
  std::size_t send = 1 << 20;  // bytes at a time
  std::size_t receive = 0;     // pieces that a client reads before it hangs up; 0: all

  static Plan of(std::string_view bytes) {
    const auto byte = [&](std::size_t i) {
      return std::size_t{static_cast<unsigned char>(bytes[i])};
    };
    return {.clients = 1 + byte(1) % 8, .send = 1 + byte(2), .receive = byte(3)};
  }
};

int connected(const Plan& plan, bool tls = false) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server(tls).ports().front());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval patience{20, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  // A client that will not read all has no room for it either.
  const int small = 4096;
  if (plan.receive != 0) ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail("not let in", "");
  }
  return fd;
}

// Reads all that comes, or so many pieces. Returns true if the server has closed its direction in
// order: the kernel may drop what a client has not read when it resets the connection.
bool receive(int fd, std::size_t pieces, std::string& answer) {
  std::vector<char> buffer(pieces == 0 ? std::size_t{1} << 20 : 100);
  for (std::size_t i = 0; pieces == 0 || i < pieces; ++i) {
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EAGAIN) fail("the server hangs", answer);
    if (got <= 0) return got == 0;
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return false;
}

// How many clients the server has cut off, by its bounds on number, bytes and time.
std::uint64_t cut_off() {
  const Counts now = server().counts();
  return now.of(Closed::kConnections) + now.of(Closed::kBufferedBytes) +
         now.of(Closed::kResponseTimeout);
}

void expect_nothing_left(bool tls = false) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (;;) {
    const Counts now = server(tls).counts();
    const bool none = std::all_of(now.connections.begin(), now.connections.end(),
                                  [](std::uint64_t n) { return n == 0; });
    if (none && now.buffered_bytes + now.tls_bytes == 0 && now.requests == 0) return;
    if (std::chrono::steady_clock::now() > deadline) {
      fail("something is left", std::to_string(now.buffered_bytes) + " bytes, " +
                                    std::to_string(now.requests) + " requests");
    }
    std::this_thread::yield();
  }
}

void play(const Plan& plan, std::string_view stream) {
  const std::uint64_t cut_off_before = cut_off();
  std::vector<int> clients;
  for (std::size_t i = 0; i < plan.clients; ++i) {
    clients.push_back(connected(plan));
    for (std::string_view rest = stream; !rest.empty();) {
      const std::string_view piece = rest.substr(0, plan.send);
      if (::send(clients.back(), piece.data(), piece.size(), MSG_NOSIGNAL) < 0) break;
      rest.remove_prefix(piece.size());
    }
    if (plan.receive % 2 == 0) ::shutdown(clients.back(), SHUT_WR);
  }
  for (const int client : clients) {
    std::string answer;
    if (receive(client, plan.receive, answer) && cut_off() == cut_off_before) check(answer);
    ::close(client);
  }
  expect_nothing_left();
}

void play_records(std::string_view stream) {
  const int client = connected({}, true);
  ::send(client, stream.data(), stream.size(), MSG_NOSIGNAL);
  ::shutdown(client, SHUT_WR);
  std::string answer;
  receive(client, 0, answer);
  ::close(client);
  expect_nothing_left(true);
}

// Makes a call of TLS again when libFuzzer's timer has interrupted it, which ends a read that has a
// bound on its time.
int uninterrupted(SSL* ssl, const auto& call) {
  for (;;) {
    errno = 0;
    const int done = call();
    const bool interrupted = errno == EINTR;
    if (done > 0 || !interrupted || SSL_get_error(ssl, done) != SSL_ERROR_WANT_READ) return done;
  }
}

// The client ends its direction behind the stream, and waits for what it gets.
void play_in_tls(std::size_t at_once, std::string_view stream) {
  static SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  const int client = connected({}, true);
  SSL* const ssl = SSL_new(context);
  SSL_set_fd(ssl, client);
  if (uninterrupted(ssl, [ssl] { return SSL_connect(ssl); }) != 1) fail("no handshake", "");
  for (std::string_view rest = stream; !rest.empty();) {
    const std::string_view piece = rest.substr(0, at_once);
    if (SSL_write(ssl, piece.data(), static_cast<int>(piece.size())) <= 0) break;
    rest.remove_prefix(piece.size());
  }
  SSL_shutdown(ssl);
  std::string answer;
  std::vector<char> buffer(std::size_t{1} << 16);
  const auto read = [&] { return SSL_read(ssl, buffer.data(), static_cast<int>(buffer.size())); };
  int got = 0;
  while ((got = uninterrupted(ssl, read)) > 0) {
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  }
  if (SSL_get_error(ssl, got) == SSL_ERROR_WANT_READ) fail("the server hangs", answer);
  // The kernel may drop the end of an answer for a client that has sent more than is read.
  if ((SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) != 0) check(answer);
  SSL_free(ssl);
  ::close(client);
  expect_nothing_left(true);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  wants_gzip(input);
  Request request;
  request.query = input;
  request.query_values("name[]");
  request.headers = {{input.substr(0, size / 2), input.substr(size / 2)}};
  request.header("accept-encoding");
  try {
    parse_listen_address(std::string(input));
  } catch (const std::invalid_argument&) {
  }
  const auto [at, part] = own_authority(input, {.port = 8001});
  if (at + part > size) fail("a part outside", input);

  if (input.starts_with(kPlan) && size >= kPlanSize) {
    play(Plan::of(input), input.substr(kPlanSize));
  } else if (input.starts_with(kRecords)) {
    play_records(input.substr(1));
  } else if (input.starts_with(kInTls) && size >= 2) {
    play_in_tls(std::size_t{1} + data[1], input.substr(2));
  } else {
    play({}, input);
  }
  return 0;
}
