#include "tests/aggregator/http/crowd.h"

#include "tests/support/eventually.h"

namespace metrics::test {

http::HttpOptions patient_on_any_port() {
  return {.listen = {"127.0.0.1:0"},
          .max_requests = 2,
          .spare_threads = 1,
          .request_timeout = kNever,
          .keep_alive = kNever};
}

Crowd crowd(const http::HttpServer& server, std::size_t count, std::string_view bytes) {
  Crowd clients;
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<Client>(server.ports().at(0)));
    clients.back()->send(bytes);
  }
  return clients;
}

bool come_to(const http::HttpServer& server, http::State state, std::size_t count) {
  return eventually([&] { return server.counts().of(state) == count; });
}

}  // namespace metrics::test
