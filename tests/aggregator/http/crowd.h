// crowd.h -- many clients of one server.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "aggregator/http/server.h"
#include "tests/aggregator/http/client.h"

namespace metrics::test {

using Crowd = std::vector<std::unique_ptr<Client>>;

// Connects so many clients, each of which sends these bytes.
Crowd crowd(const http::HttpServer& server, std::size_t count, std::string_view bytes);

// Waits until so many connections are in that state. Returns false if that does not come about.
bool come_to(const http::HttpServer& server, http::State state, std::size_t count);

}  // namespace metrics::test
