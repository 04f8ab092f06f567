// client.h -- a client that sends exactly what a test says, over a real socket.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace metrics::test {

struct Answer {
  int status = 0;                              // 0: the connection ended before a whole head
  std::map<std::string, std::string> headers;  // by name in lower case
  std::string body;                            // as much of it as came
  bool whole = false;                          // all of Content-Length came
};

// Gives up, with what it has, after 20 s without news: a test fails, and doesn't hang.
class Client {
 public:
  explicit Client(std::uint16_t port);          // of 127.0.0.1
  explicit Client(const std::string& address);  // "[::1]:8001" or "unix:PATH"
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // False if the server has hung up.
  bool send(std::string_view bytes) const;
  void reset();                 // hangs up at once, whatever is under way
  void finish_sending() const;  // the server reads the end of the stream behind what was sent
  Answer receive();             // of a GET
  Answer receive_of_head();     // of a HEAD: no body follows
  // At most so many bytes; none once the connection has ended.
  std::string receive_some(std::size_t at_most);
  // Everything until the server closes the connection.
  std::string receive_to_end();
  // True once the server has closed the connection, without sending anything more.
  bool hung_up();

  std::uint16_t port() const;  // its own

  Answer get(const std::string& path);

 private:
  Client(const sockaddr* address, socklen_t size);
  bool fill();
  Answer receive_head();

  int fd_;
  std::string unread_;
};

// One request on a connection of its own.
Answer get(const std::string& address, const std::string& path);
Answer get(std::uint16_t port, const std::string& path);

}  // namespace metrics::test
