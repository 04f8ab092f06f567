// floor_http.cpp -- the least that a server does for a scrape: one thread and epoll, a response
// that is ready, send() or SSL_write(). It reads no segment, and looks at no header.
//
// bench_floor_http SIZE [CERTIFICATE KEY]: serves a body of SIZE bytes; prints its port, and ends
// with standard input.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>

namespace metrics::bench {
namespace {

struct FreeTls {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using Context = std::unique_ptr<SSL_CTX, FreeTls>;

struct Client {
  int fd;
  std::unique_ptr<SSL, FreeTls> ssl;  // nullptr without TLS
  std::string request = {};
  std::size_t left = 0;  // of the response
};

Context context_of(const char* certificate, const char* key) {
  Context context(SSL_CTX_new(TLS_server_method()));
  if (SSL_CTX_use_certificate_file(context.get(), certificate, SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), key, SSL_FILETYPE_PEM) != 1) {
    throw std::runtime_error("certificate or key can't be used");
  }
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

// Both return how many bytes were moved, 0 if that would block, -1 if the connection has ended.
long moved(const Client& client, long result) {
  if (result > 0) return result;
  if (client.ssl == nullptr) return result < 0 && errno == EAGAIN ? 0 : -1;
  const int why = SSL_get_error(client.ssl.get(), static_cast<int>(result));
  return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

long take(Client& client, char* bytes, std::size_t size) {
  SSL* const ssl = client.ssl.get();
  return moved(client, ssl == nullptr ? ::recv(client.fd, bytes, size, 0)
                                      : SSL_read(ssl, bytes, static_cast<int>(size)));
}

long give(Client& client, const char* bytes, std::size_t size) {
  SSL* const ssl = client.ssl.get();
  return moved(client, ssl == nullptr ? ::send(client.fd, bytes, size, MSG_NOSIGNAL)
                                      : SSL_write(ssl, bytes, static_cast<int>(size)));
}

// Does what can be done without waiting. Returns false if the connection has ended.
bool serve(Client& client, const std::string& response) {
  std::array<char, 4096> bytes;
  for (;;) {
    while (client.left > 0) {
      const char* const rest = response.data() + response.size() - client.left;
      const long given = give(client, rest, client.left);
      if (given <= 0) return given == 0;
      client.left -= static_cast<std::size_t>(given);
    }
    const long taken = take(client, bytes.data(), bytes.size());
    if (taken <= 0) return taken == 0;
    client.request.append(bytes.data(), static_cast<std::size_t>(taken));
    if (client.request.ends_with("\r\n\r\n")) {
      client.request.clear();
      client.left = response.size();
    }
  }
}

int listening() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const general = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd, general, size) != 0 || ::listen(fd, SOMAXCONN) != 0 ||
      ::getsockname(fd, general, &size) != 0) {
    throw std::runtime_error("can't listen");
  }
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return fd;
}

void run(const std::string& response, SSL_CTX* context) {
  const int poll = ::epoll_create1(0);
  const int listener = listening();
  const auto watch = [poll](int fd, std::uint32_t events, void* what) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = what;
    ::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
  };
  Client door{listener, nullptr}, end{STDIN_FILENO, nullptr};
  watch(door.fd, EPOLLIN, &door);
  watch(end.fd, EPOLLIN, &end);
  std::array<epoll_event, 64> events;
  for (;;) {
    const int count = ::epoll_wait(poll, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      auto* const client = static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (client == &end) return;
      if (client == &door) {
        const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        if (fd < 0) continue;
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        auto made = std::make_unique<Client>(
            Client{fd, std::unique_ptr<SSL, FreeTls>(context ? SSL_new(context) : nullptr)});
        if (made->ssl != nullptr) {
          SSL_set_fd(made->ssl.get(), fd);
          SSL_set_accept_state(made->ssl.get());
        }
        watch(fd, EPOLLIN | EPOLLOUT | EPOLLET, made.release());
      } else if (!serve(*client, response)) {
        ::close(client->fd);
        delete client;
      }
    }
  }
}

}  // namespace
}  // namespace metrics::bench

int main(int argc, char** argv) {
  using namespace metrics::bench;
  if (argc != 2 && argc != 4) {
    std::fprintf(stderr, "usage: bench_floor_http SIZE [CERTIFICATE KEY]\n");
    return 2;
  }
  ::signal(SIGPIPE, SIG_IGN);
  try {
    const std::string body(std::strtoul(argv[1], nullptr, 10), 'x');
    const Context context = argc == 4 ? context_of(argv[2], argv[3]) : nullptr;
    run("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
        context.get());
    return 0;
  } catch (const std::exception& e) {
    std::printf("error %s\n", e.what());
    return 1;
  }
}
