// crowd.h -- many clients of one server, which waits for them.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "aggregator/http/server.h"
#include "tests/aggregator/http/client.h"

namespace metrics::test {

// Longer than a test that passes.
inline constexpr std::chrono::seconds kNever{60};

// Returns options for a server on any port, with two seats, that waits for requests.
http::HttpOptions patient_on_any_port();

using Crowd = std::vector<std::unique_ptr<Client>>;

// Connects so many clients, each of which sends these bytes.
Crowd crowd(const http::HttpServer& server, std::size_t count, std::string_view bytes);

// Waits until so many connections are in that state. Returns false if that does not come about.
bool come_to(const http::HttpServer& server, http::State state, std::size_t count);

}  // namespace metrics::test
