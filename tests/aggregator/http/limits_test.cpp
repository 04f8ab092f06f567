// What the server does when clients are too many, too slow or too large, and when it has to stop.
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <latch>
#include <system_error>
#include <thread>

#include "aggregator/http/request_head.h"
#include "aggregator/http/server.h"
#include "tests/aggregator/http/client.h"
#include "tests/aggregator/http/crowd.h"
#include "tests/support/eventually.h"

namespace metrics::http {
namespace {

using namespace std::chrono_literals;
using test::Answer;
using test::Client;
using test::eventually;
using test::get;
using test::kNever;

HttpOptions on_any_port() { return {.listen = {"127.0.0.1:0"}}; }

// A handler for one request, that says when it runs and answers when it may.
class Slow {
 public:
  explicit Slow(std::string body = "done") : body_(std::move(body)) {}
  Handler handler() {
    return [this](const Request&) {
      entered_.count_down();
      may_answer_.wait();
      return text_response(200, body_);
    };
  }
  void wait_until_entered() const { entered_.wait(); }
  void let_answer() { may_answer_.count_down(); }

 private:
  std::string body_;
  std::latch entered_{1};
  std::latch may_answer_{1};
};

Handler says(const std::string& text) {
  return [text](const Request&) { return text_response(200, text); };
}

TEST(HttpLimits, AnswersRequestsAboveTheLimitWith503AndServesAgainBelowIt) {
  HttpOptions options = on_any_port();
  options.max_requests = 1;
  Slow slow;
  HttpServer server(options, {{"/slow", {slow.handler()}},
                              {"/fast", {says("fast")}},
                              {"/healthy", {says("healthy"), Route::Limit::kExempt}}});
  const std::uint16_t port = server.ports().at(0);
  Client busy(port);
  busy.send("GET /slow HTTP/1.1\r\n\r\n");
  slow.wait_until_entered();
  EXPECT_EQ(server.counts().requests, 1u);

  Answer refused = get(port, "/fast");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers["retry-after"], "1");
  EXPECT_EQ(refused.body, "Too many requests are being served at the same time.\n");
  EXPECT_EQ(get(port, "/healthy").body, "healthy");
  EXPECT_EQ(get(port, "/nowhere").status, 404);

  slow.let_answer();
  EXPECT_EQ(busy.receive().body, "done");
  EXPECT_EQ(get(port, "/fast").body, "fast");
}

TEST(HttpLimits, ARequestWhoseClientHasGoneIsServedForNobody) {
  Slow slow;
  const HttpServer server(on_any_port(), {{"/slow", {slow.handler()}}, {"/fast", {says("fast")}}});
  const std::uint16_t port = server.ports().at(0);
  {
    Client gone(port);
    gone.send("GET /slow HTTP/1.1\r\n\r\n");
    slow.wait_until_entered();
    gone.reset();
  }
  ASSERT_TRUE(eventually([&] { return server.counts().of(Closed::kClient) == 1; }));
  slow.let_answer();
  ASSERT_TRUE(eventually([&] { return server.counts().requests == 0; }));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(get(port, "/fast").body, "fast");
  EXPECT_TRUE(eventually([&] { return server.counts().of(State::kWriting) == 0; }));
}

TEST(HttpLimits, AClientThatGoesTakesNoResponseFromTheNextOne) {
  Slow slow;
  const HttpServer server(on_any_port(), {{"/slow", {slow.handler()}}, {"/fast", {says("fast")}}});
  Client first(server.ports().at(0)), next(server.ports().at(0));
  EXPECT_EQ(first.get("/fast").body, "fast");
  next.send("GET /slow HTTP/1.1\r\n\r\n");  // over the private connection that the first one had
  slow.wait_until_entered();
  EXPECT_TRUE(eventually([&] { return server.counts().buffered_bytes == 0; })) << "it is served";
  first.reset();
  ASSERT_TRUE(eventually([&] { return server.counts().of(Closed::kClient) == 1; }));
  slow.let_answer();
  EXPECT_EQ(next.receive().body, "done");
}

TEST(HttpLimits, StopFinishesTheResponseThatIsBeingServed) {
  HttpOptions options = on_any_port();
  options.request_timeout = kNever;
  Slow slow(std::string(5'000'000, 'x'));
  HttpServer server(options, {{"/slow", {slow.handler()}}});
  const std::uint16_t port = server.ports().at(0);
  Client client(port);
  client.send("GET /slow HTTP/1.1\r\n\r\n");
  slow.wait_until_entered();

  std::future<void> stopped = std::async(std::launch::async, [&server] { server.stop(); });
  // That stop() has begun shows in a 503, or in a closed port if it doesn't wait as it should.
  try {
    while (get(port, "/nowhere").status != 503) {
    }
  } catch (const std::system_error&) {
  }
  EXPECT_NE(stopped.wait_for(0s), std::future_status::ready);
  slow.let_answer();

  Answer answer = client.receive();
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.whole);
  EXPECT_EQ(answer.body.size(), 5'000'000u);
  EXPECT_EQ(answer.headers["connection"], "close");
  stopped.get();
  EXPECT_THROW(Client(port).get("/slow"), std::system_error);
}

TEST(HttpLimits, StopKeepsNoResponseThatComesTooLate) {
  HttpOptions options = on_any_port();
  options.request_timeout = 50ms;
  Slow slow;
  HttpServer server(options, {{"/slow", {slow.handler()}}});
  Client client(server.ports().at(0));
  client.send("GET /slow HTTP/1.1\r\n\r\n");
  slow.wait_until_entered();
  const std::future<void> stopped = std::async(std::launch::async, [&server] { server.stop(); });
  EXPECT_TRUE(client.hung_up());
  slow.let_answer();
  stopped.wait();
  EXPECT_EQ(server.counts().buffered_bytes, 0u);
}

// As above: what the client sends is read to the end.
TEST(HttpLimits, StopResetsNobodyWhoHasSentMoreThanWasRead) {
  HttpOptions options = on_any_port();
  options.request_timeout = kNever;
  const std::string body(700'000, 'x');  // more than the client's own buffer holds
  Slow slow(body);
  HttpServer server(options, {{"/slow", {slow.handler()}}});
  Client client(server.ports().at(0));
  client.send("GET /slow HTTP/1.1\r\n\r\n" + std::string(3 * kMaxHead, 'x'));
  slow.wait_until_entered();
  std::future<void> stopped = std::async(std::launch::async, [&server] { server.stop(); });
  while (get(server.ports().at(0), "/nowhere").status != 503) {
  }
  slow.let_answer();
  stopped.wait();
  const Answer answer = client.receive();
  EXPECT_TRUE(answer.body == body) << answer.body.size();
}

TEST(HttpLimits, StopTwiceIsStopOnce) {
  HttpServer server(on_any_port(), {{"/", {says("x")}}});
  const std::uint16_t port = server.ports().at(0);
  server.stop();
  server.stop();
  EXPECT_EQ(server.ports().at(0), port);
  EXPECT_THROW(Client client(port), std::system_error);
}

TEST(HttpLimits, StopTakesMillisecondsWhenNobodyIsConnected) {
  HttpServer server(on_any_port(), {{"/", {says("x")}}});
  EXPECT_EQ(get(server.ports().at(0), "/").body, "x");  // so it waits for the next one by now
  const auto begin = std::chrono::steady_clock::now();
  server.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s) << "civetweb by itself takes 2 s";
}

TEST(HttpLimits, DropsAClientThatDoesNotFinishItsRequest) {
  HttpOptions options = on_any_port();
  options.request_timeout = 50ms;
  options.keep_alive = kNever;
  const HttpServer server(options, {{"/", {says("x")}}});
  Client silent(server.ports().at(0));
  EXPECT_EQ(silent.receive_to_end(), "");
  Client slow(server.ports().at(0));
  slow.send("GET / HTTP/1.1\r\nX-Slow: ");
  EXPECT_EQ(slow.receive().status, 400);
  EXPECT_TRUE(slow.hung_up());
  EXPECT_TRUE(eventually([&] { return server.counts().of(Closed::kIdle) == 1; }));
  EXPECT_TRUE(eventually([&] { return server.counts().of(Closed::kRequestTimeout) == 1; }));
  Client kept(server.ports().at(0));
  EXPECT_EQ(kept.get("/").body, "x");
  kept.send("GET / HTTP/1.1\r\n");
  EXPECT_EQ(kept.receive().status, 400) << "it has no more time for its second request";
}

TEST(HttpLimits, DropsAClientThatTricklesItsRequest) {
  HttpOptions options = on_any_port();
  options.request_timeout = 100ms;
  const HttpServer server(options, {{"/", {says("x")}}});
  Client client(server.ports().at(0));
  client.send("GET / HTTP/1.1\r\nX-Slow: ");
  std::future<std::string> received =
      std::async(std::launch::async, [&client] { return client.receive_to_end(); });
  // Every byte comes well within the timeout; only their sum doesn't.
  const auto deadline = std::chrono::steady_clock::now() + kNever;
  while (received.wait_for(10ms) != std::future_status::ready &&
         std::chrono::steady_clock::now() < deadline) {
    client.send("a");
  }
  ASSERT_EQ(received.wait_for(0s), std::future_status::ready);
  EXPECT_EQ(received.get().substr(0, 12), "HTTP/1.1 400");
}

// A connection that is closed with bytes unread is reset, and that takes the response from a client
// that sends before it reads.
TEST(HttpLimits, ReadsABodyThatItHasNoUseForUntilTheClientHasItsResponse) {
  Slow slow;
  const HttpServer server(on_any_port(), {{"/", {slow.handler()}}});
  Client client(server.ports().at(0));
  const std::string body(8'000'000, 'x');  // more than the kernel's buffers hold
  client.send("GET / HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
  slow.wait_until_entered();
  std::future<bool> sent = std::async(std::launch::async, [&] { return client.send(body); });
  // The server has read as much as it does while it serves.
  EXPECT_TRUE(eventually([&] { return server.counts().buffered_bytes >= kMaxHead; }));
  slow.let_answer();
  EXPECT_TRUE(sent.get());
  EXPECT_EQ(client.receive().body, "done");
}

TEST(HttpLimits, RefusesARequestThatIsTooLarge) {
  const HttpServer server(on_any_port(), {{"/", {says("x")}}});
  Client client(server.ports().at(0));
  client.send("GET / HTTP/1.1\r\nX-Large: " + std::string(20'000, 'x') + "\r\n\r\n");
  EXPECT_EQ(client.receive().status, 400);
}

TEST(HttpLimits, RefusesWhatIsNoHttpRequest) {
  const HttpServer server(on_any_port(), {{"/", {says("x")}}});
  const std::vector<std::pair<std::string, int>> cases = {
      {"hello\r\n\r\n", 400},
      {"GET\r\n\r\n", 400},
      {"GET /\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\n\r\n", 505},
      {"BREW / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 411},
      {"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400},
      {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400},  // a TLS handshake
      {std::string("GET /\0 HTTP/1.1\r\n\r\n", 19), 400},
      {std::string(4, '\0'), 400},
  };
  for (const auto& [request, status] : cases) {
    Client client(server.ports().at(0));
    client.send(request);
    EXPECT_EQ(client.receive().status, status) << request;
    EXPECT_TRUE(client.hung_up()) << request;
  }
  EXPECT_EQ(get(server.ports().at(0), "/").body, "x");
  EXPECT_TRUE(eventually([&] { return server.counts().buffered_bytes == 0; })) << "answered once";
}

TEST(HttpLimits, KnowsPathsOnlyAsTheyAreWritten) {
  const HttpServer server(on_any_port(), {{"/", {says("/")}}, {"/metrics", {says("metrics")}}});
  const std::uint16_t port = server.ports().at(0);
  for (const char* path :
       {"//metrics", "/metrics/", "/metrics/..", "/./metrics", "/x/../metrics", "/metrics/%2e%2e",
        "/metrics%00", "/metrics%00.txt", "/%6detrics", "/metrics#x", "/METRICS", "/..", "/../..",
        "/../../etc/passwd", "/\\metrics", "/metrics\\..\\x", "/%", "/%zz", "/metrics;x"}) {
    EXPECT_EQ(get(port, path).status, 404) << path;
  }
  for (const char* path : {"*", "metrics", "?", "http://", "http://x", "ftp://x/metrics",
                           "http://127.0.0.1:1/metrics", "http://elsewhere.example/metrics"}) {
    EXPECT_EQ(get(port, path).status, 400) << path;
  }
  EXPECT_EQ(get(port, "/metrics?").body, "metrics");
  EXPECT_EQ(get(port, "/metrics?/../x").body, "metrics");
  EXPECT_EQ(get(port, "http://any.example:" + std::to_string(port) + "/metrics").body, "metrics");
  EXPECT_TRUE(eventually([&] { return server.counts().buffered_bytes == 0; })) << "answered once";
}

}  // namespace
}  // namespace metrics::http
