// Where a request's head ends, and which part of its target is this server's own.
#include "aggregator/http/request_head.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace metrics::http {
namespace {

using Result = HeadScanner::Result;

constexpr std::string_view kHead = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

TEST(RequestHead, EndsBehindItsEmptyLineHoweverItsBytesCome) {
  const std::string bytes = std::string(kHead) + "GET /b HTTP/1.1\r\n\r\n";
  for (std::size_t first = 0; first <= bytes.size(); ++first) {
    HeadScanner scanner;
    const Result found = scanner.scan(std::string_view(bytes).substr(0, first));
    EXPECT_EQ(found, first < kHead.size() ? Result::kPartial : Result::kWhole) << first;
    if (found == Result::kPartial) {
      EXPECT_EQ(scanner.scan(bytes), Result::kWhole) << first;
    }
    EXPECT_EQ(scanner.size(), kHead.size()) << first;
    EXPECT_TRUE(scanner.plain()) << first;
  }
}

// As civetweb: see get_http_header_len() there.
TEST(RequestHead, EndsWhereCivetwebFindsItsEnd) {
  const std::string_view ends[] = {"\n\n", "GET / HTTP/1.1\nHost: x\n\n", "a\r\n\n", "\r\n\r\n",
                                   "a\r\r\n\r\n"};
  for (const std::string_view head : ends) {
    HeadScanner scanner;
    EXPECT_EQ(scanner.scan(std::string(head) + "rest"), Result::kWhole) << head;
    EXPECT_EQ(scanner.size(), head.size()) << head;
    EXPECT_EQ(scanner.plain(), head == "\r\n\r\n") << head;
  }
  for (const std::string_view goes_on : {"a\n\r\n", "a\r\n\r", "a\r\r", "a\n\r"}) {
    EXPECT_EQ(HeadScanner().scan(goes_on), Result::kPartial) << goes_on;
  }
}

TEST(RequestHead, IsBrokenByAControlCharacterOrByItsSize) {
  for (const char c : {'\0', '\t', '\x16', '\x7f'}) {
    EXPECT_EQ(HeadScanner().scan(std::string("GET /") + c), Result::kBroken) << int{c};
    EXPECT_EQ(HeadScanner().scan(std::string(kHead) + c), Result::kWhole) << int{c};
  }
  std::string longest(kMaxHead - 4, 'x');
  EXPECT_EQ(HeadScanner().scan(longest + "\r\n\r\n"), Result::kWhole);
  EXPECT_EQ(HeadScanner().scan(longest + "\r\n\r"), Result::kPartial);
  EXPECT_EQ(HeadScanner().scan(longest + "x\r\n\r\n"), Result::kBroken);
  EXPECT_EQ(HeadScanner().scan("\xc3\xa4"), Result::kPartial);
}

std::string without_authority(std::string head, std::uint16_t port) {
  const auto [at, size] = own_authority(head, {.port = port});
  return head.erase(at, size);
}

TEST(RequestHead, NamesThisServerInItsTargetByThePort) {
  for (const char* own : {"http://x:8001/m", "HTTP://10.0.0.1:8001/m", "http://[::1]:8001/m"}) {
    EXPECT_EQ(without_authority("GET " + std::string(own) + " HTTP/1.1\r\n\r\n", 8001),
              "GET /m HTTP/1.1\r\n\r\n");
  }
  EXPECT_EQ(without_authority("GET http://x/m?a=http://y:1/ HTTP/1.1\r\n\r\n", 80),
            "GET /m?a=http://y:1/ HTTP/1.1\r\n\r\n");
  for (const char* other :
       {"/m", "*", "http://x:8002/m", "http://x/m", "http://x:8001", "http://:8001/m",
        "http://x:8001y/m", "http://x:/m", "http:///m", "http://u@x:8001/m", "https://x:8001/m",
        "x:8001/m", "http://x:8001?/m", "http://x:73537/m", ""}) {
    const std::string head = "GET " + std::string(other) + " HTTP/1.1\r\n\r\n";
    EXPECT_EQ(without_authority(head, 8001), head);
  }
  EXPECT_EQ(own_authority("GET\r\nX: http://x:8001/m\r\n\r\n", {.port = 8001}).second, 0u);
  EXPECT_EQ(own_authority("", {.port = 8001}).second, 0u);
}

TEST(RequestHead, NamesThisServerByAnyPortOverAUnixSocket) {
  EXPECT_EQ(own_authority("GET http://x:1/m HTTP/1.1\r\n\r\n", {}).second, 10u);
  EXPECT_EQ(own_authority("GET http://x:z/m HTTP/1.1\r\n\r\n", {}).second, 0u);
}

TEST(RequestHead, NamesThisServerByItsOwnSchemeOnly) {
  const Origin tls{.scheme = Origin::Scheme::kHttps, .port = 443};
  EXPECT_EQ(own_authority("GET https://x/m HTTP/1.1\r\n\r\n", tls).second, 9u);
  EXPECT_EQ(own_authority("GET http://x:443/m HTTP/1.1\r\n\r\n", tls).second, 0u);
}

}  // namespace
}  // namespace metrics::http
