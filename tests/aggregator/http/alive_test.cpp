// What is known from outside of the thread that has all connections, even while it hangs.
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <future>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "aggregator/http/server.h"
#include "aggregator/web/rules_file.h"
#include "tests/aggregator/http/client.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_segment.h"

namespace metrics::http {
namespace {

using test::Client;
using test::eventually;

constexpr std::string_view kRequest = "GET / HTTP/1.1\r\n\r\n";

// A web configuration that the thread of connections reads when hang() has it do so, and that it
// reads until let_go().
class Trap {
 public:
  Trap() { std::ofstream(path_) << "# nothing\n"; }

  std::shared_ptr<web::RulesFile> rules() {
    return std::make_shared<web::RulesFile>(
        web::RulesFileOptions{.path = path_, .warn = [this](std::string_view) {
                                entered_.count_down();
                                may_leave_.wait();
                              }});
  }

  // Returns when the thread hangs.
  void hang(const HttpServer& server) {
    std::ofstream(path_) << "unknown: field\n";
    client_.emplace(server.ports().at(0));
    client_->send(kRequest);  // the thread reads the file anew at the first byte
    entered_.wait();
  }

  void let_go() { may_leave_.count_down(); }

 private:
  const test::TempDirectory folder_;
  const std::string path_ = folder_.path() + "/web.yml";
  std::latch entered_{1};
  std::latch may_leave_{1};
  std::optional<Client> client_;
};

HttpOptions with_rules_of(Trap& trap) {
  return {
      .listen = {"127.0.0.1:0"}, .request_timeout = std::chrono::minutes(1), .rules = trap.rules()};
}

Routes one() {
  return {{"/", {[](const Request&) { return text_response(200, "x"); }}}};
}

TEST(HttpAlive, IsAliveAsLongAsItComesRound) {
  HttpServer server({.listen = {"127.0.0.1:0"}}, one());
  EXPECT_TRUE(server.alive());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(eventually([&] { return server.alive(); }));
}

TEST(HttpAlive, IsNotAliveWhileItsThreadHangs) {
  Trap trap;
  HttpServer server(with_rules_of(trap), one());
  trap.hang(server);
  server.alive();
  EXPECT_FALSE(server.alive());
  EXPECT_FALSE(server.alive());
  trap.let_go();
  EXPECT_TRUE(eventually([&] { return server.alive(); }));
}

TEST(HttpAlive, CountsTheBytesOfAResponseThatItsThreadHasNotTakenYet) {
  constexpr std::size_t kSize = 100'000;
  std::latch entered{1};
  std::latch may_answer{1};
  Trap trap;
  const HttpServer server(with_rules_of(trap), {{"/", {[&](const Request&) {
                                                   entered.count_down();
                                                   may_answer.wait();
                                                   return text_response(200,
                                                                        std::string(kSize, 'x'));
                                                 }}}});
  Client client(server.ports().at(0));
  client.send(kRequest);
  entered.wait();
  trap.hang(server);
  may_answer.count_down();
  EXPECT_TRUE(eventually([&] { return server.counts().buffered_bytes > kSize; }));
  trap.let_go();
  EXPECT_TRUE(client.receive().whole);
}

}  // namespace
}  // namespace metrics::http
