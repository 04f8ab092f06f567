// What the server does where the process has no descriptor left.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "aggregator/http/descriptor.h"
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
using test::patient_on_any_port;

constexpr std::string_view kSmall = "GET /small HTTP/1.1\r\n\r\n";

Routes small() {
  return {{"/small", {[](const Request&) { return text_response(200, "small"); }}}};
}

// Takes all descriptors that this process may have, except for so many, as long as it lives.
class FewDescriptors {
 public:
  explicit FewDescriptors(std::size_t left) {
    ::getrlimit(RLIMIT_NOFILE, &allowed_);
    rlimit few = allowed_;
    few.rlim_cur = std::min<rlim_t>(few.rlim_cur, 512);
    ::setrlimit(RLIMIT_NOFILE, &few);
    for (Descriptor taken; (taken = Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)));) {
      taken_.push_back(std::move(taken));
    }
    taken_.resize(taken_.size() - std::min(left, taken_.size()));
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &allowed_); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  rlimit allowed_{};
  std::vector<Descriptor> taken_;
};

TEST(HttpDescriptors, IdleConnectionsGiveWayToANewOne) {
  const HttpServer server(patient_on_any_port(), small());
  const Crowd idle = crowd(server, 8, "");
  ASSERT_TRUE(come_to(server, State::kIdle, 8));
  {
    const FewDescriptors only_the_clients(1);
    // Its connection takes one, and its request two, if none of the private ones is open.
    EXPECT_EQ(get(server.ports().at(0), "/small").body, "small");
  }
  const std::uint64_t given_way = server.counts().of(Closed::kConnections);
  EXPECT_GE(given_way, 1u);
  EXPECT_LE(given_way, 4u) << "no more than it needed";
  EXPECT_TRUE(idle.front()->hung_up());
  EXPECT_EQ(idle.back()->get("/small").body, "small");
}

TEST(HttpDescriptors, ARequestWaitsUntilThereIsADescriptorForIt) {
  const HttpServer server(patient_on_any_port(), small());
  const Crowd idle = crowd(server, 8, "");
  Client client(server.ports().at(0));
  ASSERT_TRUE(come_to(server, State::kIdle, 9));
  const FewDescriptors none(0);
  client.send(kSmall);
  EXPECT_EQ(client.receive().body, "small");
}

TEST(HttpDescriptors, TakesHalfOfTheDescriptorsThatThereMayBe) {
  rlimit allowed{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &allowed), 0);
  rlimit few = allowed;
  few.rlim_cur = 64;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  const HttpServer server(patient_on_any_port(), small());
  ::setrlimit(RLIMIT_NOFILE, &allowed);
  const Crowd idle = crowd(server, 40, "");
  EXPECT_TRUE(come_to(server, State::kIdle, 32));
  EXPECT_TRUE(eventually([&] { return server.counts().of(Closed::kConnections) == 8; }));
}

// Allows the process no further descriptor, whatever others it closes, as long as it lives.
class NoDescriptor {
 public:
  NoDescriptor() {
    ::getrlimit(RLIMIT_NOFILE, &allowed_);
    rlimit none = allowed_;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptor() { ::setrlimit(RLIMIT_NOFILE, &allowed_); }
  NoDescriptor(const NoDescriptor&) = delete;
  NoDescriptor& operator=(const NoDescriptor&) = delete;

 private:
  rlimit allowed_{};
};

TEST(HttpDescriptors, OneConnectionGivesWayInEachPauseWhereThatDoesNotHelp) {
  const HttpServer server(patient_on_any_port(), small());
  const Crowd idle = crowd(server, 50, "");
  ASSERT_TRUE(come_to(server, State::kIdle, 50));
  const Descriptor knocking(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server.ports().at(0));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const NoDescriptor none;
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_EQ(::connect(knocking.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
            0);
  ASSERT_TRUE(eventually([&] { return server.counts().of(Closed::kConnections) == 50; }));
  EXPECT_GT(std::chrono::steady_clock::now() - begin, 250ms) << "no pauses: the thread spins";
}

}  // namespace
}  // namespace metrics::http
