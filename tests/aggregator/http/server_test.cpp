// What clients see of a server that works as it should.
#include "aggregator/http/server.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "tests/aggregator/http/client.h"

namespace metrics::http {
namespace {

using test::Answer;
using test::Client;
using test::get;

// Idle connections stay open for longer than a client waits, so that one that is closed was meant
// to be.
HttpOptions on_any_port() {
  return {.listen = {"127.0.0.1:0"}, .keep_alive = std::chrono::seconds(60)};
}

Handler says(const std::string& text) {
  return [text](const Request&) { return text_response(200, text); };
}

TEST(HttpServer, AnswersAKnownPathWithWhatItsHandlerReturns) {
  Response response = text_response(200, "hello\n");
  response.content_type = "text/x-greeting";
  response.headers.emplace_back("X-More", "yes");
  const HttpServer server(on_any_port(), {{"/hi", {[=](const Request&) { return response; }}}});

  Answer answer = get(server.ports().at(0), "/hi");

  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "hello\n");
  EXPECT_EQ(answer.headers["content-type"], "text/x-greeting");
  EXPECT_EQ(answer.headers["x-more"], "yes");
  EXPECT_EQ(answer.headers["content-length"], "6");
  EXPECT_EQ(answer.headers.count("date"), 1u);
  EXPECT_EQ(answer.headers.count("access-control-allow-origin"), 0u);
}

TEST(HttpServer, HandsTheRequestToTheHandlerAsItCame) {
  const Handler echo = [](const Request& request) {
    return text_response(200, std::string(request.method) + ' ' + std::string(request.path) + ' ' +
                                  std::string(request.query) + ' ' + request.header("ACCEPT"));
  };
  const HttpServer server(on_any_port(), {{"/metrics", {echo}}});
  Client client(server.ports().at(0));
  client.send("GET /metrics?name[]=a%20b&x HTTP/1.1\r\nAccept: text/plain\r\naccept: */*\r\n\r\n");
  EXPECT_EQ(client.receive().body, "GET /metrics name[]=a%20b&x text/plain, */*");
}

TEST(HttpServer, ServesSeveralRequestsOnOneConnection) {
  const HttpServer server(on_any_port(), {{"/a", {says("a")}}, {"/b", {says("b")}}});
  Client client(server.ports().at(0));
  for (int i = 0; i < 3; ++i) {
    Answer a = client.get("/a");
    EXPECT_EQ(a.body, "a");
    EXPECT_EQ(a.headers["connection"], "keep-alive");
    EXPECT_EQ(client.get("/b").body, "b");
    EXPECT_EQ(client.get("/c").status, 404);
  }
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  const HttpServer server(on_any_port(), {{"/a", {says("a")}}, {"/b", {says("b")}}});
  Client client(server.ports().at(0));
  client.send("GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
  EXPECT_EQ(client.receive().body, "a");
  EXPECT_EQ(client.receive().body, "b");
}

TEST(HttpServer, ClosesTheConnectionOfAClientThatWantsIt) {
  const HttpServer server(on_any_port(), {{"/", {says("x")}}});
  for (const char* request : {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
                              "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
                              "GET / HTTP/1.0\r\n\r\n"}) {
    Client client(server.ports().at(0));
    client.send(request);
    Answer answer = client.receive();
    EXPECT_EQ(answer.body, "x") << request;
    EXPECT_EQ(answer.headers["connection"], "close") << request;
    EXPECT_TRUE(client.hung_up()) << request;
  }
}

TEST(HttpServer, KeepsAnHttp10ConnectionOpenForAClientThatAsks) {
  const HttpServer server(on_any_port(), {{"/", {says("x")}}});
  Client client(server.ports().at(0));
  for (int i = 0; i < 2; ++i) {
    client.send("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    EXPECT_EQ(client.receive().headers["connection"], "keep-alive");
  }
}

TEST(HttpServer, ClosesAnIdleConnectionAfterTheKeepAliveTime) {
  HttpOptions options = on_any_port();
  options.keep_alive = std::chrono::milliseconds(20);
  const HttpServer server(options, {{"/", {says("x")}}});
  Client client(server.ports().at(0));
  EXPECT_EQ(client.get("/").headers["connection"], "keep-alive");
  EXPECT_TRUE(client.hung_up());
}

TEST(HttpServer, AnswersHeadLikeGetWithoutTheBody) {
  const HttpServer server(on_any_port(), {{"/", {says("twelve bytes")}}});
  Client client(server.ports().at(0));
  Answer by_get = client.get("/");
  client.send("HEAD / HTTP/1.1\r\n\r\n");
  Answer by_head = client.receive_of_head();
  by_get.headers.erase("date");
  by_head.headers.erase("date");
  EXPECT_EQ(by_head.status, 200);
  EXPECT_EQ(by_head.headers, by_get.headers);
  EXPECT_EQ(by_head.headers["content-length"], "12");
  EXPECT_EQ(client.get("/").body, "twelve bytes") << "a body in between would be read as this";
}

TEST(HttpServer, RefusesOtherMethodsAndSaysWhichAreAllowed) {
  const HttpServer server(on_any_port(), {{"/", {says("x")}}});
  Client client(server.ports().at(0));
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"}) {
    client.send(std::string(method) + " / HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    Answer answer = client.receive();
    EXPECT_EQ(answer.status, 405) << method;
    EXPECT_EQ(answer.headers["allow"], "GET, HEAD") << method;
  }
}

TEST(HttpServer, AnswersARequestWithABodyAndClosesTheConnectionWithoutReadingIt) {
  const HttpServer server(on_any_port(), {{"/", {says("x")}}});
  for (const char* request : {"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
                              "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    Client client(server.ports().at(0));
    client.send(request);
    Answer answer = client.receive();
    EXPECT_EQ(answer.status, 405) << request;
    EXPECT_EQ(answer.headers["connection"], "close") << request;
    EXPECT_TRUE(client.hung_up()) << request;
  }
}

TEST(HttpServer, AnswersUnknownPathsWith404) {
  const HttpServer server(on_any_port(), {{"/", {says("x")}}});
  Answer answer = get(server.ports().at(0), "/metrics");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.body, "There is nothing at this path.\n");
}

TEST(HttpServer, LogsWhyAHandlerThrewAndTellsTheClientNothing) {
  std::vector<std::string> logged;
  HttpOptions options = on_any_port();
  options.log = [&logged](std::string_view line) { logged.emplace_back(line); };
  {
    const HttpServer server(
        options, {{"/a", {[](const Request&) -> Response { throw std::runtime_error("secret"); }}},
                  {"/b", {[](const Request&) -> Response { throw 1; }}},
                  {"/c", {[](const Request&) {
                     Response response = text_response(200, "x");
                     response.headers.emplace_back("X-Split", "a\r\nSet-Cookie: b");
                     return response;
                   }}}});
    for (const char* path : {"/a", "/b", "/c"}) {
      Answer answer = get(server.ports().at(0), path);
      EXPECT_EQ(answer.status, 500) << path;
      EXPECT_EQ(answer.body, "The server failed; its log says why.\n") << path;
    }
  }
  EXPECT_EQ(logged, (std::vector<std::string>{
                        "GET /a: secret", "GET /b: threw something that is not a std::exception",
                        "GET /c: control character in a response header"}));
}

TEST(HttpServer, SurvivesALogThatThrows) {
  HttpOptions options = on_any_port();
  options.log = [](std::string_view) { throw std::runtime_error("disk full"); };
  const HttpServer server(
      options, {{"/", {[](const Request&) -> Response { throw std::runtime_error("no"); }}}});
  EXPECT_EQ(get(server.ports().at(0), "/").status, 500);
  EXPECT_EQ(get(server.ports().at(0), "/").status, 500);
}

TEST(HttpServer, SendsBodiesOfAnySizeWhole) {
  const auto body_of = [](std::size_t size) {
    std::string text(size, ' ');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 23);
    return text;
  };
  const std::vector<std::size_t> sizes = {0, 1, 16383, 16384, 16385, 20'000'000};
  Routes routes;
  for (const std::size_t size : sizes) routes['/' + std::to_string(size)] = {says(body_of(size))};
  const HttpServer server(on_any_port(), routes);
  Client client(server.ports().at(0));
  for (const std::size_t size : sizes) {
    const Answer answer = client.get('/' + std::to_string(size));
    EXPECT_TRUE(answer.whole) << size;
    EXPECT_TRUE(answer.body == body_of(size)) << size;
  }
}

TEST(HttpServer, SendsAnEmptyBodyForAResponseWithoutOne) {
  const HttpServer server(on_any_port(), {{"/", {[](const Request&) { return Response(); }}}});
  Answer answer = get(server.ports().at(0), "/");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers["content-length"], "0");
}

}  // namespace
}  // namespace metrics::http
