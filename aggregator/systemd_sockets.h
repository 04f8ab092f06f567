// systemd_sockets.h -- the sockets that systemd, or a program like it, has passed to this process.
#pragma once

#include <vector>

namespace metrics::aggregator {

// Returns their descriptors, none if $LISTEN_PID is not this process. See sd_listen_fds(3). Throws
// std::invalid_argument, with one line, if $LISTEN_FDS is no number of descriptors.
std::vector<int> systemd_sockets();

}  // namespace metrics::aggregator
