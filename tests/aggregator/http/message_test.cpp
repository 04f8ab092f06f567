#include "aggregator/http/message.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace metrics::http {
namespace {

using Values = std::vector<std::string>;

TEST(HttpMessage, FindsHeadersInAnyCaseAndJoinsRepeatedOnes) {
  Request request;
  request.headers = {{"Accept", "a"}, {"Host", ""}, {"ACCEPT", "b;q=0.5"}};
  EXPECT_EQ(request.header("accept"), "a, b;q=0.5");
  EXPECT_EQ(request.header("host"), "");
  EXPECT_EQ(request.header("Accept-Encoding"), "");
}

TEST(HttpMessage, DecodesQueryParameters) {
  Request request;
  request.query =
      "name[]=a&name%5B%5D=b+c&&name[]&other=d&name[]=%25%c3%bc%&name[]=%4&name[]=%zz&=e";
  EXPECT_EQ(request.query_values("name[]"), (Values{"a", "b c", "", "%\xc3\xbc%", "%4", "%zz"}));
  EXPECT_EQ(request.query_values("other"), Values{"d"});
  EXPECT_EQ(request.query_values(""), Values{"e"}) << "nothing between two & is no parameter";
  EXPECT_EQ(request.query_values("none"), Values{});
  request.query = "a=1=2&a=%00x";
  EXPECT_EQ(request.query_values("a"), (Values{"1=2", std::string("\0x", 2)}));
  request.query = std::string_view("a=%41").substr(0, 4);  // what is behind it is not read
  EXPECT_EQ(request.query_values("a"), Values{"%4"});
  request.query = "";
  EXPECT_EQ(request.query_values(""), Values{});
}

TEST(HttpMessage, RendersAHeadWithWhatEveryResponseNeeds) {
  Response response = text_response(404, "gone\n");
  response.headers.emplace_back("Vary", "Accept");
  const std::string head = render_head(response, "Not Found", AfterResponse::kClose);
  const std::size_t date = head.find("Date: ");
  ASSERT_NE(date, std::string::npos);
  EXPECT_EQ(head.substr(0, date), "HTTP/1.1 404 Not Found\r\n");
  EXPECT_EQ(head.substr(head.find("GMT\r\n", date)),
            "GMT\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n"
            "Vary: Accept\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(head.find("GMT") - date, sizeof("Date: Sun, 06 Nov 1994 08:49:37 ") - 1);
}

TEST(HttpMessage, RefusesToRenderControlCharacters) {
  for (const char* bad : {"a\r\nb", "a\nb", "\x7f", "\x01"}) {
    Response response = text_response(200, "");
    response.headers.emplace_back("X-Bad", bad);
    EXPECT_THROW(render_head(response, "OK", AfterResponse::kClose), std::invalid_argument);
    response.headers = {{bad, "x"}};
    EXPECT_THROW(render_head(response, "OK", AfterResponse::kClose), std::invalid_argument);
    response.headers = {};
    response.content_type = bad;
    EXPECT_THROW(render_head(response, "OK", AfterResponse::kClose), std::invalid_argument);
  }
}

}  // namespace
}  // namespace metrics::http
