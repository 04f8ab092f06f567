#include "aggregator/http/content_negotiation.h"

#include <gtest/gtest.h>

namespace metrics::http {
namespace {

TEST(ContentNegotiation, SendsGzipToWhoeverAcceptsIt) {
  for (const char* accepts :
       {"gzip", "GZip", "x-gzip", "*", "deflate, gzip", "gzip;q=1.0", "gzip ; q=0.001",
        "gzip;Q=0.5", "br;q=1, gzip;q=0.1", ",, gzip ,", "gzip, identity",
        "gzip;q=0.5, identity;q=0.5", "*;q=0.1", "identity;q=0, *", "gzip;q=0.5, *;q=0",
        "gzip;level=9;q=0.5", "gzip;q=0, x-gzip", "gzip, deflate, br, zstd"}) {
    EXPECT_TRUE(wants_gzip(accepts)) << accepts;
  }
}

TEST(ContentNegotiation, SendsPlainTextToWhoeverRefusesGzipOrPrefersPlainText) {
  for (const char* accepts :
       {"", " ", ",", "identity", "deflate, br", "gzip;q=0", "gzip;q=0.0", "gzip;q=0.000", "*;q=0",
        "gzip;q=0, *", "gzip;q=0.5, identity", "gzip;q=0.5, *;q=0.6", "gzipped", "xgzip",
        "not gzip", "br;q=1;gzip"}) {
    EXPECT_FALSE(wants_gzip(accepts)) << accepts;
  }
}

TEST(ContentNegotiation, ReadsAMalformedWeightAsRefused) {
  for (const char* accepts :
       {"gzip;q=", "gzip;q", "gzip;q=x", "gzip;q=2", "gzip;q=1.5", "gzip;q=-1", "gzip;q=.5",
        "gzip;q=0,5", "gzip;q=0.12345", "gzip;q=1e0", "gzip;q=0.5x", "gzip;q=00.5", "gzip;q=nan"}) {
    EXPECT_FALSE(wants_gzip(accepts)) << accepts;
  }
}

}  // namespace
}  // namespace metrics::http
