#include "aggregator/http/message.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <stdexcept>

#include "aggregator/http/ascii.h"

namespace metrics::http {
namespace {

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    const char* const digits = text.data() + i + 1;
    if (text[i] == '%' && text.size() - i > 2 &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      decoded += static_cast<char>(byte);
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

// Spells a time as RFC 9110 demands, in English in every locale: "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(std::time_t now) {
  constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  if (::gmtime_r(&now, &utc) == nullptr) return "Thu, 01 Jan 1970 00:00:00 GMT";
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                kDays[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
                kMonths[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour,
                utc.tm_min, utc.tm_sec);
  return text.data();
}

void append_header(std::string& head, std::string_view name, std::string_view value) {
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (std::any_of(name.begin(), name.end(), is_control) ||
      std::any_of(value.begin(), value.end(), is_control)) {
    throw std::invalid_argument("control character in a response header");
  }
  head += name;
  head += ": ";
  head += value;
  head += "\r\n";
}

// Calls visit(name, value) for each parameter of a query, both as sent.
template <class Visit>
void each_parameter(std::string_view query, Visit visit) {
  while (!query.empty()) {
    const std::string_view parameter = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(parameter.size() + 1, query.size()));
    if (parameter.empty()) continue;
    const std::string_view key = parameter.substr(0, parameter.find('='));
    visit(key, parameter.substr(std::min(key.size() + 1, parameter.size())));
  }
}

}  // namespace

std::string Request::header(std::string_view name) const {
  std::string joined;
  bool found = false;
  for (const auto& [key, value] : headers) {
    if (!equal_ignoring_case(key, name)) continue;
    if (found) joined += ", ";
    found = true;
    joined += value;
  }
  return joined;
}

std::vector<std::string> Request::query_values(std::string_view name) const {
  std::vector<std::string> values;
  each_parameter(query, [&](std::string_view key, std::string_view value) {
    if (percent_decoded(key) == name) values.push_back(percent_decoded(value));
  });
  return values;
}

std::vector<std::string> Request::query_names() const {
  std::vector<std::string> names;
  each_parameter(query, [&](std::string_view key, std::string_view) {
    names.push_back(percent_decoded(key));
  });
  return names;
}

Response text_response(int status, std::string text) {
  Response response;
  response.status = status;
  response.body = std::make_shared<const std::string>(std::move(text));
  return response;
}

std::string render_head(const Response& response, std::string_view reason, AfterResponse after) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + ' ';
  head += reason;
  head += "\r\n";
  append_header(head, "Date", http_date(std::time(nullptr)));
  append_header(head, "Content-Type", response.content_type);
  append_header(head, "Content-Length",
                std::to_string(response.body ? response.body->size() : std::size_t{0}));
  for (const auto& [name, value] : response.headers) append_header(head, name, value);
  append_header(head, "Connection", after == AfterResponse::kKeepAlive ? "keep-alive" : "close");
  head += "\r\n";
  return head;
}

}  // namespace metrics::http
