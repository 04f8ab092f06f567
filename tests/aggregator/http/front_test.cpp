// What many clients, and slow ones, cost the others: nothing.
#include "aggregator/http/front.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <latch>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/http/descriptor.h"
#include "aggregator/http/request_head.h"
#include "aggregator/http/server.h"
#include "tests/aggregator/http/client.h"
#include "tests/aggregator/http/crowd.h"
#include "tests/support/eventually.h"

namespace metrics::http {
namespace {

using namespace std::chrono_literals;
using test::Client;
using test::come_to;
using test::Crowd;
using test::crowd;
using test::eventually;
using test::get;
using test::kNever;

// More than the kernel's buffers of a connection hold.
constexpr std::size_t kLarge = 8'000'000;

// With time and room for large responses.
HttpOptions on_any_port() {
  HttpOptions options = test::patient_on_any_port();
  options.max_buffered_bytes = std::size_t{1} << 40;
  options.response_timeout = kNever;
  return options;
}

// At /large there is one body for all responses, as long as it lasts; at /own each has its own.
Routes routes() {
  const auto large = std::make_shared<const std::string>(kLarge, 'x');
  return {{"/small", {[](const Request&) { return text_response(200, "small"); }}},
          {"/large", {[large](const Request&) {
             Response response;
             response.body = large;
             return response;
           }}},
          {"/own", {[](const Request&) { return text_response(200, std::string(kLarge, 'x')); }}}};
}

constexpr std::string_view kSmall = "GET /small HTTP/1.1\r\n\r\n";
constexpr std::string_view kLargeRequest = "GET /large HTTP/1.1\r\n\r\n";
constexpr std::string_view kOwnRequest = "GET /own HTTP/1.1\r\n\r\n";

// Has so many clients ask for a large response, of which they read nothing. One after the other:
// of those that come at once, some would be told that the server is busy.
Crowd slow_readers(const HttpServer& server, std::size_t count) {
  Crowd clients;
  for (std::size_t i = 1; i <= count; ++i) {
    clients.push_back(std::make_unique<Client>(server.ports().at(0)));
    clients.back()->send(kLargeRequest);
    EXPECT_TRUE(come_to(server, State::kWriting, i));
  }
  return clients;
}

void expect_scrapes(const HttpServer& server, int count = 20) {
  for (int i = 0; i < count; ++i) EXPECT_EQ(get(server.ports().at(0), "/small").body, "small");
}

TEST(HttpFront, ServesBeside64ClientsThatReadNothing) {
  const HttpServer server(on_any_port(), routes());
  const Crowd slow = slow_readers(server, 64);
  EXPECT_EQ(server.counts().requests, 0u) << "they have a seat";
  expect_scrapes(server);
  EXPECT_TRUE(slow.front()->receive().whole && slow.back()->receive().whole);
}

TEST(HttpFront, ServesBeside1000IdleClients) {
  const HttpServer server(on_any_port(), routes());
  const Crowd idle = crowd(server, 500, "");
  // One after the other: of those that come at once, some may be told that the server is busy.
  const Crowd kept = crowd(server, 500, "");
  for (const auto& client : kept) EXPECT_EQ(client->get("/small").body, "small");
  expect_scrapes(server);
  ASSERT_TRUE(come_to(server, State::kIdle, 1000));
  for (const Crowd* clients : {&idle, &kept}) {
    for (const auto& client : *clients) EXPECT_EQ(client->get("/small").body, "small");
  }
}

TEST(HttpFront, ServesBeside1000ClientsThatSendHalfARequest) {
  const HttpServer server(on_any_port(), routes());
  const Crowd half = crowd(server, 1000, kSmall.substr(0, kSmall.size() / 2));
  ASSERT_TRUE(come_to(server, State::kReading, 1000));
  expect_scrapes(server);
  for (const auto& client : half) {
    client->send(kSmall.substr(kSmall.size() / 2));
    EXPECT_EQ(client->receive().body, "small");
  }
}

TEST(HttpFront, ClosesTheConnectionThatHasBeenIdleForLongestForANewOne) {
  HttpOptions options = on_any_port();
  options.max_connections = 3;
  const HttpServer server(options, routes());
  Client first(server.ports().at(0)), second(server.ports().at(0)), third(server.ports().at(0));
  for (Client* client : {&first, &third, &second, &first}) {
    EXPECT_EQ(client->get("/small").body, "small");
  }
  Client fourth(server.ports().at(0));
  EXPECT_EQ(fourth.get("/small").body, "small");
  EXPECT_TRUE(third.hung_up());
  for (Client* client : {&first, &second}) EXPECT_EQ(client->get("/small").body, "small");
  EXPECT_EQ(server.counts().of(Closed::kConnections), 1u);
}

TEST(HttpFront, ForgetsThoseWhoHaveHungUp) {
  HttpOptions options = on_any_port();
  options.max_connections = 3;
  const HttpServer server(options, routes());
  for (std::uint64_t i = 1; i <= 4; ++i) {
    expect_scrapes(server, 1);
    ASSERT_TRUE(eventually([&] { return server.counts().of(Closed::kClient) == i; }));
  }
  const Crowd idle = crowd(server, 3, "");
  ASSERT_TRUE(come_to(server, State::kIdle, 3));
  EXPECT_EQ(server.counts().of(Closed::kConnections), 0u);
}

TEST(HttpFront, LetsANewClientInHoweverSlowTheOthersAre) {
  HttpOptions options = on_any_port();
  options.max_connections = 10;
  const HttpServer server(options, routes());
  const Crowd slow = slow_readers(server, 5);
  const Crowd half = crowd(server, 5, "GET /");
  ASSERT_TRUE(come_to(server, State::kReading, 5));
  Crowd others;
  for (std::uint64_t i = 1; i <= 9; ++i) {
    others.push_back(std::make_unique<Client>(server.ports().at(0)));
    others.back()->send("G");
    ASSERT_TRUE(eventually([&] { return server.counts().of(Closed::kConnections) == i; }));
  }
  expect_scrapes(server);
}

std::uint64_t all_connections(const Counts& counts) {
  std::uint64_t all = 0;
  for (const std::uint64_t n : counts.connections) all += n;
  return all;
}

TEST(HttpFront, AConnectionIsCountedInOneStateAtATime) {
  const HttpServer server(on_any_port(), routes());
  const Client client(server.ports().at(0));
  ASSERT_TRUE(eventually([&] { return server.counts().of(State::kIdle) == 1; }));
  client.send("GET /sm");
  ASSERT_TRUE(eventually([&] { return server.counts().of(State::kReading) == 1; }));
  EXPECT_EQ(all_connections(server.counts()), 1u);
}

TEST(HttpFront, ARequestForWhichThereIsNoThreadWaitsForTheNextThatIsFree) {
  HttpOptions options = on_any_port();
  options.max_requests = options.spare_threads = 1;
  std::latch may_answer{1};
  const HttpServer server(options, {{"/slow",
                                     {[&](const Request&) {
                                        may_answer.wait();
                                        return text_response(200, "done");
                                      },
                                      Route::Limit::kExempt}}});
  const Crowd three = crowd(server, 3, "GET /slow HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(eventually([&] {
    const Counts now = server.counts();
    return now.of(State::kServing) == 2 && now.of(State::kWaiting) == 1;
  }));
  may_answer.count_down();
  for (const auto& client : three) EXPECT_EQ(client->receive().body, "done");
}

TEST(HttpFront, WhatComesBehindTheLastResponseIsThrownAwayAndTakesNobodysRoom) {
  HttpOptions options = on_any_port();
  options.max_buffered_bytes = 1000;
  const HttpServer server(options, routes());
  Client last(server.ports().at(0));
  last.send("GET /small HTTP/1.0\r\n\r\n");
  EXPECT_EQ(last.receive().body, "small");
  last.send(std::string(5000, 'x'));
  const Client other(server.ports().at(0));
  other.send("GET /" + std::string(500, 'x'));
  EXPECT_TRUE(eventually([&] { return server.counts().of(Closed::kAnswered) == 1; }));
  EXPECT_TRUE(eventually([&] { return server.counts().of(State::kReading) == 1; }));
  EXPECT_EQ(server.counts().of(Closed::kBufferedBytes), 0u);
}

TEST(HttpFront, CutsOffTheSlowestReadersAboveTheBoundOnBufferedBytes) {
  HttpOptions options = on_any_port();
  options.max_buffered_bytes = 5 * kLarge;
  const HttpServer server(options, routes());
  Crowd slow;
  for (std::size_t i = 0; i < 12; ++i) {
    slow.push_back(std::make_unique<Client>(server.ports().at(0)));
    slow.back()->send(kOwnRequest);
    ASSERT_TRUE(eventually([&] {
      const Counts now = server.counts();
      return now.of(State::kWriting) + now.of(Closed::kBufferedBytes) == i + 1;
    }));
    ASSERT_TRUE(
        eventually([&] { return server.counts().buffered_bytes <= options.max_buffered_bytes; }));
  }
  EXPECT_EQ(server.counts().of(Closed::kBufferedBytes), 8u);
  expect_scrapes(server);
  for (std::size_t i = 0; i < slow.size(); ++i) EXPECT_EQ(slow[i]->receive().whole, i >= 8) << i;
  slow.clear();
  EXPECT_TRUE(eventually([&] { return all_connections(server.counts()) == 0; }));
  EXPECT_EQ(server.counts().buffered_bytes, 0u);
}

TEST(HttpFront, ClientsThatAreSentOneBodyBufferItTogether) {
  HttpOptions options = on_any_port();
  options.max_buffered_bytes = 2 * kLarge;
  const HttpServer server(options, routes());
  Crowd slow = slow_readers(server, 12);
  EXPECT_GT(server.counts().buffered_bytes, kLarge);
  EXPECT_LT(server.counts().buffered_bytes, kLarge + 12'000);
  for (std::size_t i = 0; i < 11; ++i) EXPECT_TRUE(slow[i]->receive().whole) << i;
  EXPECT_GT(server.counts().buffered_bytes, kLarge);
  slow.clear();
  EXPECT_TRUE(eventually([&] { return server.counts().buffered_bytes == 0; }));
  EXPECT_EQ(server.counts().of(Closed::kBufferedBytes), 0u);
}

TEST(HttpFront, SendsAResponseThatIsLargerThanTheBoundOnBufferedBytes) {
  HttpOptions options = on_any_port();
  options.max_buffered_bytes = 1;
  const HttpServer server(options, routes());
  const Crowd three = slow_readers(server, 3);
  for (const auto& client : three) EXPECT_TRUE(client->receive().whole);
}

TEST(HttpFront, CutsOffThoseThatSendLongRequestsAboveTheBoundOnBufferedBytes) {
  constexpr std::size_t kEach = 10'000;
  HttpOptions options = on_any_port();
  options.max_buffered_bytes = 10 * kEach;
  const HttpServer server(options, routes());
  const Crowd half = crowd(server, 15, "GET /" + std::string(kEach - 5, 'x'));
  EXPECT_TRUE(eventually([&] {
    const Counts now = server.counts();
    return now.of(Closed::kBufferedBytes) == 5 && now.buffered_bytes == 10 * kEach;
  }));
}

TEST(HttpFront, CutsOffAClientThatTakesItsResponseForTooLong) {
  HttpOptions options = on_any_port();
  options.response_timeout = 50ms;
  const HttpServer server(options, routes());
  Client client(server.ports().at(0));
  client.send(kLargeRequest);
  // It reads all the time, a little, so that only the whole takes too long. But not all of it: on a
  // busy machine it might have the whole before the server looks at the time.
  std::size_t received = 0;
  const bool cut_off = eventually([&] {
    if (received < kLarge / 2) received += client.receive_some(100).size();
    return server.counts().of(Closed::kResponseTimeout) == 1;
  });
  EXPECT_TRUE(cut_off);
  EXPECT_FALSE(client.receive().whole);
}

TEST(HttpFront, CutsOffAClientThatTakesNothingOfItsResponse) {
  HttpOptions options = on_any_port();
  options.request_timeout = 50ms;
  const HttpServer server(options, routes());
  Client client(server.ports().at(0));
  client.send(kLargeRequest);
  EXPECT_TRUE(eventually([&] { return server.counts().of(Closed::kResponseTimeout) == 1; }));
  EXPECT_FALSE(client.receive().whole);
  EXPECT_TRUE(client.hung_up());
}

// A client with a large response of which it reads nothing, so that its further requests wait.
class Ahead {
 public:
  explicit Ahead(const HttpServer& server) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.ports().at(0));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(
        ::connect(client_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_GT(::send(client_.get(), kLargeRequest.data(), kLargeRequest.size(), 0), 0);
    EXPECT_TRUE(come_to(server, State::kWriting, 1));
  }

  // Sends until the server takes no more, and the kernel's buffers are full.
  void send_without_end(const HttpServer& server) const {
    const std::string more(100'000, 'x');
    EXPECT_TRUE(eventually([&] {
      const bool full = ::send(client_.get(), more.data(), more.size(), MSG_DONTWAIT) < 0;
      return full && server.counts().buffered_bytes >= kLarge + kMaxHead;
    }));
  }

 private:
  const Descriptor client_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
};

TEST(HttpFront, ReadsNoMoreThanTheNextHeadOfAClientThatSendsWithoutEnd) {
  const HttpServer server(on_any_port(), routes());
  const Ahead client(server);
  client.send_without_end(server);
  expect_scrapes(server);  // meanwhile the server has all that it would take
  EXPECT_LE(server.counts().buffered_bytes, kLarge + 2 * kMaxHead);
}

// Returns what the kernel says of this process's thread of that name: 'R' for running, 'S' for
// sleeping.
char state_of_thread(const std::string& name) {
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string comm, stat;
    std::getline(std::ifstream(task.path() / "comm"), comm);
    if (comm != name) continue;
    std::getline(std::ifstream(task.path() / "stat"), stat);
    return stat.at(stat.rfind(')') + 2);
  }
  return '?';
}

TEST(HttpFront, ItsThreadSleepsBesideAClientThatHasSentMoreThanIsRead) {
  const HttpServer server(on_any_port(), routes());
  const Ahead client(server);
  client.send_without_end(server);
  EXPECT_TRUE(eventually([] { return state_of_thread("http-front") == 'S'; })) << "it spins";
}

TEST(HttpFront, ReadsOnWhenAClientThatHasSentMoreThanIsReadHasItsResponse) {
  const HttpServer server(on_any_port(), routes());
  Client client(server.ports().at(0));
  client.send(kLargeRequest);
  ASSERT_TRUE(come_to(server, State::kWriting, 1));
  constexpr int kMany = 1000;
  for (int i = 0; i < kMany; ++i) client.send(kSmall);
  EXPECT_TRUE(eventually([&] { return server.counts().buffered_bytes >= kLarge + kMaxHead; }));
  EXPECT_TRUE(client.receive().whole);
  for (int i = 0; i < kMany; ++i) ASSERT_EQ(client.receive().body, "small") << i;
}

TEST(HttpFront, WaitsOnlyShortlyForAClientToHangUpBehindItsLastResponse) {
  const HttpServer server(on_any_port(), routes());
  Client client(server.ports().at(0));
  client.send("GET /small HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.receive().body, "small");
  EXPECT_TRUE(client.hung_up());  // the server, which still reads what may come
  EXPECT_TRUE(eventually([&] { return server.counts().of(Closed::kAnswered) == 1; }));
}

TEST(HttpFront, AnswersEachOfManyPipelinedRequestsHoweverTheyAreCut) {
  const HttpServer server(on_any_port(), routes());
  std::string requests;
  for (int i = 0; i < 100; ++i)
    requests += i % 2 == 0 ? "GET /small HTTP/1.1\r\n\r\n" : "HEAD /none HTTP/1.1\r\n\r\n";
  for (const std::size_t piece : {requests.size(), std::size_t{7}}) {
    Client client(server.ports().at(0));
    for (std::size_t at = 0; at < requests.size(); at += piece) {
      client.send(std::string_view(requests).substr(at, piece));
    }
    client.finish_sending();
    for (int i = 0; i < 50; ++i) {
      EXPECT_EQ(client.receive().body, "small") << i;
      EXPECT_EQ(client.receive_of_head().status, 404) << i;
    }
    EXPECT_TRUE(client.hung_up());
  }
}

TEST(HttpFront, GivesEachClientItsOwnResponsesWhateverEndsALine) {
  const HttpServer server(on_any_port(), {{"/", {[](const Request& request) {
                                             return text_response(200, std::string(request.query));
                                           }}}});
  Client odd(server.ports().at(0)), plain(server.ports().at(0));
  for (int i = 0; i < 20; ++i) {
    odd.send("GET /?a HTTP/1.1\nX: y\n\nGET /?b HTTP/1.1\nX: y\r\n\r\nGET /?c HTTP/1.1\r\n\r\n");
    plain.send("GET /?plain HTTP/1.1\r\n\r\n");
    for (const char* own : {"a", "b", "c"}) EXPECT_EQ(odd.receive().body, own);
    EXPECT_EQ(plain.receive().body, "plain");
  }
}

TEST(HttpFront, StopEndsBesideIdleAndUnfinishedRequests) {
  HttpServer server(on_any_port(), routes());
  const Crowd idle = crowd(server, 100, "");
  const Crowd half = crowd(server, 100, "GET /");
  ASSERT_TRUE(come_to(server, State::kIdle, 100) && come_to(server, State::kReading, 100));
  const auto stopped = std::async(std::launch::async, [&server] { server.stop(); });
  EXPECT_EQ(stopped.wait_for(kNever / 2), std::future_status::ready);
  for (const Crowd* clients : {&idle, &half}) {
    for (const auto& client : *clients) EXPECT_TRUE(client->hung_up());
  }
  EXPECT_EQ(all_connections(server.counts()), 0u);
}

TEST(HttpFront, StopWaitsForTheClientsThatAreTakingTheirResponse) {
  HttpServer server(on_any_port(), routes());
  const Crowd slow = slow_readers(server, 10);
  const auto stopped = std::async(std::launch::async, [&server] { server.stop(); });
  ASSERT_TRUE(eventually([&] { return get(server.ports().at(0), "/small").status == 503; }));
  for (const auto& client : slow) EXPECT_TRUE(client->receive().whole);
  stopped.wait();
  EXPECT_EQ(server.counts().buffered_bytes, 0u);
}

TEST(HttpFront, StopCutsOffClientsThatReadNothing) {
  HttpOptions options = on_any_port();
  options.request_timeout = 2s;
  HttpServer server(options, routes());
  const Crowd slow = slow_readers(server, 10);
  server.stop();
  EXPECT_FALSE(slow.front()->receive().whole || slow.back()->receive().whole);
  EXPECT_EQ(server.counts().buffered_bytes, 0u);
}

TEST(HttpFront, StopCutsOffAClientThatGoesOnReadingAtItsDeadline) {
  HttpOptions options = on_any_port();
  options.request_timeout = 500ms;
  HttpServer server(
      options,
      {{"/", {[](const Request&) { return text_response(200, std::string(20 * kLarge, 'x')); }}}});
  Client client(server.ports().at(0));
  client.send("GET / HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(come_to(server, State::kWriting, 1));
  const auto stopped = std::async(std::launch::async, [&server] { server.stop(); });
  std::size_t received = 0;
  while (stopped.wait_for(5ms) != std::future_status::ready) {
    received += client.receive_some(1 << 16).size();
  }
  received += client.receive_to_end().size();
  EXPECT_LT(received, 20 * kLarge);
  EXPECT_EQ(server.counts().buffered_bytes, 0u);
}

}  // namespace
}  // namespace metrics::http
