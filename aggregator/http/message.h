// message.h -- the request that a handler gets and the response that it returns, as plain data.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace metrics::http {

// All views point into the server's buffer and are valid until the handler returns.
struct Request {
  std::string_view method;  // "GET" or "HEAD"; a handler need not care: a HEAD's body isn't sent
  std::string_view path;    // as sent, not decoded
  std::string_view query;   // as sent, the part behind '?'; may be empty
  std::vector<std::pair<std::string_view, std::string_view>> headers;  // in the order of arrival
  std::string_view scheme = "http";  // or "https": what the server speaks now

  // Returns the value of the header `name`, ignoring case. Several values are joined by ", ";
  // without such a header, the result is empty.
  std::string header(std::string_view name) const;

  // Returns the decoded values of all query parameters whose decoded name is `name`, in order: for
  // `name[]=a&name%5B%5D=b+c` and "name[]", these are "a" and "b c". A '%' without two hexadecimal
  // digits behind it stands for itself; a parameter without '=' has the value ""; nothing between
  // two '&' is no parameter.
  std::vector<std::string> query_values(std::string_view name) const;
  // Returns the decoded names of all query parameters, in order.
  std::vector<std::string> query_names() const;
};

struct Response {
  int status = 200;  // one that may have a body: not 1xx, 204 or 304
  std::string content_type = "text/plain; charset=utf-8";
  // More headers. The server itself writes Date, Content-Type, Content-Length and Connection. A
  // control character in any of them, or in content_type, makes the response a 500.
  std::vector<std::pair<std::string, std::string>> headers;
  // Shared, so that one exposition can be sent to several clients at once; nullptr: an empty body.
  std::shared_ptr<const std::string> body;
};

// Makes a response in plain text.
Response text_response(int status, std::string text);

enum class AfterResponse { kKeepAlive, kClose };

// Returns the status line and the headers of `response`, with the empty line behind them. `reason`
// is the phrase behind the status. Throws std::invalid_argument if a header has a control
// character.
std::string render_head(const Response& response, std::string_view reason, AfterResponse after);

}  // namespace metrics::http
