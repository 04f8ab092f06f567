// What civetweb does with its connections, without the front before it.
#include "aggregator/http/backend.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string_view>

#include "aggregator/http/server.h"
#include "tests/support/eventually.h"

namespace metrics::http {
namespace {

using test::eventually;

// civetweb would wait for the body first, which nobody sends.
TEST(HttpBackend, ClosesAConnectionBehindARequestWithABody) {
  web::RulesFile rules;
  Backend backend({.max_requests = 1, .threads = 1, .log = {}, .rules = &rules},
                  {{"/", {[](const Request&) { return text_response(200, "x"); }}}});
  {
    const Descriptor connection = backend.connect();
    constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\n";
    ASSERT_EQ(::send(connection.get(), kRequest.data(), kRequest.size(), 0),
              ssize_t{kRequest.size()});
    Answers::Ticket ticket = 0;
    const auto received = [&] { return ::recv(connection.get(), &ticket, sizeof(ticket), 0); };
    EXPECT_TRUE(eventually([&] { return received() == ssize_t{sizeof(ticket)}; }));
    EXPECT_EQ(backend.answers().take(ticket)->then, AfterResponse::kClose);
    EXPECT_TRUE(eventually([&] { return received() == 0; }));
  }
  backend.stop();
}

}  // namespace
}  // namespace metrics::http
