// send.h -- sends two texts as one, as far as a socket takes them at once.
#pragma once

#include <cstddef>
#include <string_view>

namespace metrics::http {

// Returns how many bytes of `first`, and then of `rest`, the socket has taken without waiting; 0 if
// it takes none, or is broken, which reading it tells. Raises no SIGPIPE.
std::size_t send_now(int fd, std::string_view first, std::string_view rest) noexcept;

}  // namespace metrics::http
