// listen_address.h -- reads the addresses to listen on, as users write them, and listens there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "aggregator/http/descriptor.h"

namespace metrics::http {

struct ListenAddress {
  std::string given;   // as the user wrote it, for messages
  std::string host;    // IPv4, dotted: "0.0.0.0" is every interface
  std::uint16_t port;  // 0: any free port
};

// A socket that listens and does not block.
struct Listener {
  Descriptor socket;
  std::uint16_t port;  // the bound one
};

// Reads ":8001", "127.0.0.1:8001" or "localhost:8001" (which is 127.0.0.1; other names are not
// looked up). Throws std::invalid_argument for anything else, IPv6 included, with one line that
// names what to write instead.
ListenAddress parse_listen_address(std::string_view given);

// Throws std::runtime_error, with the message of cannot_listen(), if it can't.
Listener listen_on(const ListenAddress& address);

// Returns the error message for an address on which bind() or listen() failed with this errno.
std::string cannot_listen(const ListenAddress& address, int error);

}  // namespace metrics::http
