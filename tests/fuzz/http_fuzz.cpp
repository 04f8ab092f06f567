// http_fuzz.cpp -- what the HTTP server does with bytes: parsing of headers and queries,
// negotiation, and, through a real connection, the whole of it. Every answer must be whole.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "aggregator/http/content_negotiation.h"
#include "aggregator/http/listen_address.h"
#include "aggregator/http/server.h"

namespace {

using namespace metrics::http;

HttpServer& server() {
  static HttpServer instance(
      [] {
        HttpOptions options;
        options.listen = {"127.0.0.1:0"};
        options.max_requests = 2;
        options.spare_threads = 2;
        options.request_timeout = std::chrono::milliseconds(2000);
        options.keep_alive = std::chrono::milliseconds(50);
        return options;
      }(),
      {{"/metrics", {[](const Request& request) {
          std::string body;
          for (const std::string& name : request.query_values("name[]")) body += name + '\n';
          body += wants_gzip(request.header("Accept-Encoding")) ? "gzip" : "plain";
          return text_response(200, body);
        }}}});
  return instance;
}

[[noreturn]] void fail(const char* what, const std::string& answer) {
  std::fprintf(stderr, "%s: %s\n", what, answer.c_str());
  std::abort();
}

// Several answers, one behind the other, each whole.
void check(std::string_view answer) {
  while (!answer.empty()) {
    const std::size_t end = answer.find("\r\n\r\n");
    if (!answer.starts_with("HTTP/1.1 ") || end == std::string_view::npos) {
      fail("no head", std::string(answer));
    }
    const std::string_view head = answer.substr(0, end + 2);
    constexpr std::string_view kLength = "Content-Length: ";
    const std::size_t at = head.find(kLength);
    if (at == std::string_view::npos) fail("no length", std::string(head));
    const auto length = std::strtoull(head.data() + at + kLength.size(), nullptr, 10);
    answer.remove_prefix(end + 4);
    if (length > answer.size()) {
      if (answer.empty()) return;  // of a HEAD
      fail("cut off", std::string(head));
    }
    // A HEAD's answer has a length, and no body.
    if (!answer.starts_with("HTTP/1.1 ")) answer.remove_prefix(length);
  }
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

  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server().ports().front());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    const timeval patience{20, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::send(fd, input.data(), input.size(), MSG_NOSIGNAL);
    ::shutdown(fd, SHUT_WR);
    std::string answer;
    char buffer[4096];
    ssize_t got = 0;
    while ((got = ::recv(fd, buffer, sizeof buffer, 0)) > 0) {
      answer.append(buffer, static_cast<std::size_t>(got));
    }
    if (got < 0 && errno == EAGAIN) fail("the server hangs", answer);
    // The kernel may drop what a client has not read when the server hangs up on unread bytes: a
    // reset.
    if (got == 0) check(answer);
  }
  ::close(fd);
  return 0;
}
