// client.h -- one client's connection, as plain data.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>

#include "aggregator/http/counts.h"
#include "aggregator/http/descriptor.h"
#include "aggregator/http/event.h"
#include "aggregator/http/message.h"
#include "aggregator/http/request_head.h"

namespace metrics::http {

class Conversations;
struct Exchange;

struct Client {
  Conversations* conversations;
  Descriptor unopened;              // until its first byte comes: it may be of TLS or of HTTP
  BufferedSocket socket = nullptr;  // from then on
  Origin origin;                    // as which it has reached us
  Event first_byte = nullptr;
  Event timer = nullptr;  // fires at the end of the time that it has for what it is at

  State state = State::kIdle;
  std::list<Client>::iterator self = {};  // in the list of its state

  HeadScanner head = {};         // of the request that is being read, waits or is served
  bool input_ended = false;      // the client sends nothing more
  bool request_cut = false;      // what has come of the request is all that will be served of it
  Exchange* exchange = nullptr;  // while a thread has the request

  AfterResponse then = AfterResponse::kClose;         // behind the response that is being written
  Closed why_closed = Closed::kAnswered;              // if it is closed behind that response
  std::size_t response_bytes = 0;                     // of its head, in memory until it is taken
  std::shared_ptr<const std::string> body = nullptr;  // likewise; other clients may have it, too
  std::size_t tls_bytes = 0;                          // what OpenSSL keeps for it, about
  std::size_t accounted_bytes = 0;                    // what Clients knows that this client buffers
  std::size_t accounted_tls_bytes = 0;                // what it knows of tls_bytes

  int fd() const { return socket ? bufferevent_getfd(socket.get()) : unopened.get(); }
  evbuffer* input() const { return bufferevent_get_input(socket.get()); }
  evbuffer* output() const { return bufferevent_get_output(socket.get()); }
};

}  // namespace metrics::http
