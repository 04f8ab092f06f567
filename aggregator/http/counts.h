// counts.h -- what the server counts of its clients.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace metrics::http {

// What a client's connection is at.
enum class State : std::size_t {
  kIdle,         // no byte of a request has come
  kHandshaking,  // a part of a TLS handshake has come
  kReading,      // a part of a request's head has come
  kWaiting,      // the head is whole; all threads have a request
  kServing,      // a thread has the request
  kWriting,      // the response is made; the client has not taken all of it
  kClosing,      // the client has all that it gets, and has not hung up yet
};
constexpr std::array<std::string_view, 7> kStateNames = {
    "idle", "handshaking", "reading", "waiting", "serving", "writing", "closing"};

// Why a connection was closed.
enum class Closed : std::size_t {
  kClient,           // the client hung up, or the network failed
  kAnswered,         // the client, or HTTP, wanted it closed behind a response
  kIdle,             // no request came for too long
  kHandshake,        // the TLS handshake failed, or took too long
  kRequestTimeout,   // a request's head took too long
  kResponseTimeout,  // the client took too long to take its response
  kConnections,      // there were too many connections
  kBufferedBytes,    // there were too many bytes for clients
  kFailed,           // no response could be made, not even an error
};
constexpr std::array<std::string_view, 9> kClosedNames = {
    "client",           "answered",          "idle",           "handshake", "request_timeout",
    "response_timeout", "connections_limit", "buffered_limit", "failed"};

struct Counts {
  std::array<std::uint64_t, kStateNames.size()> connections{};
  std::array<std::uint64_t, kClosedNames.size()> closed{};
  std::uint64_t buffered_bytes = 0;  // of requests that have come and of responses not yet taken
  std::uint64_t tls_bytes = 0;       // what OpenSSL keeps for connections, about
  std::uint64_t requests = 0;        // that are being worked on

  std::uint64_t of(State state) const { return connections[static_cast<std::size_t>(state)]; }
  std::uint64_t of(Closed why) const { return closed[static_cast<std::size_t>(why)]; }
};

}  // namespace metrics::http
