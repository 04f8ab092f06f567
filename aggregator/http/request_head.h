// request_head.h -- where a request's head ends in a stream of bytes, by civetweb's rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace metrics::http {

// The longest request line and headers together, with the empty line behind them.
constexpr std::size_t kMaxHead = 16'384;

// Finds the end of a head that comes in pieces, looking at each byte once.
//
// Its rules must be civetweb's own (get_http_header_len): were a head to end elsewhere for the one
// than for the other, then the rest of it would be a request of its own, and its response would go
// to another client.
class HeadScanner {
 public:
  enum class Result {
    kPartial,  // the head goes on behind these bytes
    kWhole,    // the head ends within these bytes
    kBroken,   // no HTTP: a control character, or no end within kMaxHead
  };

  // `bytes` begins with those of the last call, which was kPartial, and may have more behind them.
  Result scan(std::string_view bytes) noexcept;

  // Returns the head's size if it is whole.
  std::size_t size() const noexcept { return at_; }
  // Returns true if each line of the head ends with CR and LF, and none has another CR or LF: then
  // no reader of HTTP can find its end elsewhere.
  bool plain() const noexcept { return plain_; }

 private:
  std::size_t at_ = 0;
  bool plain_ = true;
};

// How clients reach a server: by which scheme, and at which port of its own.
struct Origin {
  enum class Scheme { kHttp, kHttps };
  Scheme scheme = Scheme::kHttp;
  std::optional<std::uint16_t> port = {};  // none for a unix socket, where any port is the server's
};

// Finds the part of a head that must be left out to make its absolute target relative: the
// "http://host:port" in "GET http://host:port/metrics HTTP/1.1". Returns its first byte's place and
// its size; the size is 0 if the target is not absolute, or is of another scheme or port.
std::pair<std::size_t, std::size_t> own_authority(std::string_view head,
                                                  const Origin& origin) noexcept;

}  // namespace metrics::http
