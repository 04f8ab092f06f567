// http_message.h -- what a handler gets and what it answers. Plain data, nothing of sockets.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace metrics::http {

// All views are into the server's buffer and valid until the handler returns.
struct Request {
  std::string_view method;  // "GET" or "HEAD"; a handler need not care: a HEAD's body isn't sent
  std::string_view path;    // as sent, not decoded
  std::string_view query;   // as sent, what follows '?'; empty if nothing does
  std::vector<std::pair<std::string_view, std::string_view>> headers;  // in the order of arrival

  // The value of the header `name`, in any case; several are joined by ", ", none is "".
  std::string header(std::string_view name) const;

  // The decoded values of all query parameters whose decoded name is `name`, in order: for
  // `name[]=a&name%5B%5D=b+c` and "name[]", that is "a" and "b c". A '%' that no two hexadecimal
  // digits follow stands for itself; a parameter without '=' has the value "".
  std::vector<std::string> query_values(std::string_view name) const;
};

struct Response {
  int status = 200;  // with a body, so none of 1xx, 204, 304
  std::string content_type = "text/plain; charset=utf-8";
  // More headers. The server itself writes Date, Content-Type, Content-Length and Connection. A
  // control character in any of them, or in content_type, makes the response a 500.
  std::vector<std::pair<std::string, std::string>> headers;
  // Shared, so that one exposition can be sent to several clients at once; null is an empty one.
  std::shared_ptr<const std::string> body;
};

// A plain text response.
Response text_response(int status, std::string text);

enum class AfterResponse { kKeepAlive, kClose };

// The status line and the headers of `response`, with the empty line behind them. `reason` is the
// phrase behind the status. Throws std::invalid_argument for control characters in headers.
std::string render_head(const Response& response, std::string_view reason, AfterResponse after);

}  // namespace metrics::http
