// listen_address.h -- where to listen, as users write it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace metrics::http {

struct ListenAddress {
  std::string given;   // as the user wrote it, for messages
  std::string host;    // IPv4, dotted: "0.0.0.0" is every interface
  std::uint16_t port;  // 0: any that is free
};

// Reads ":8001", "127.0.0.1:8001" or "localhost:8001" (which is 127.0.0.1; other names are not
// looked up). Throws std::invalid_argument for all else, IPv6 included, with one line that says
// what to write instead.
ListenAddress parse_listen_address(std::string_view given);

// The line for an address that can't be listened on, for an errno of bind() or listen().
std::string cannot_listen(const ListenAddress& address, int error);

// Connects to `port` at the address and hangs up at once, so that whoever polls the listening
// socket wakes up. Never waits. False if nobody listens there.
bool knock(const ListenAddress& address, std::uint16_t port) noexcept;

}  // namespace metrics::http
