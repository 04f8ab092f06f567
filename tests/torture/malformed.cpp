#include "tests/torture/malformed.h"

#include <cstdint>

namespace metrics::torture {

std::vector<std::string> malformed_requests(Run& run) {
  const std::string huge(kHugeBytes, 'x');
  std::vector<std::string> requests = {
      "",
      "\r\n\r\n",
      "GET\r\n\r\n",
      "GET /metrics\r\n\r\n",
      "GET /metrics HTTP/9.9\r\n\r\n",
      "get /metrics http/1.1\r\n\r\n",
      "GET " + huge + " HTTP/1.1\r\n\r\n",
      "GET /metrics HTTP/1.1\r\nX: " + huge + "\r\n\r\n",
      "GET /metrics HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
      "GET /metrics HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
      "GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
      "POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      std::string("GET /metrics\0x HTTP/1.1\r\n\r\n", 27),
      "GET /metrics HTTP/1.1\r\nAccept-Encoding: gzip;q=99999,,,;;;q=,*;q=-1\r\n\r\n",
      "GET /metrics?name[]=%&name[]=%g1&%=& HTTP/1.1\r\n\r\n",
      "GET /metrics HTTP/1.1\r\n" +
          [] {
            std::string many;
            for (int i = 0; i < 500; ++i) many += "A: b\r\n";
            return many;
          }() +
          "\r\n",
  };
  for (int i = 0; i < 200; ++i) {
    std::string random = requests[run.below(requests.size())].substr(0, 300);
    for (std::uint64_t n = 1 + run.below(20); n > 0 && !random.empty(); --n) {
      random[run.below(random.size())] = static_cast<char>(run.random());
    }
    requests.push_back(random);
  }
  return requests;
}

}  // namespace metrics::torture
