#include "aggregator/http/content_negotiation.h"

#include <gtest/gtest.h>

#include <array>
#include <string_view>

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

constexpr std::array<std::string_view, 3> kOffers = {
    "text/plain; version=0.0.4; charset=utf-8",
    "application/openmetrics-text; version=1.0.0; charset=utf-8",
    "application/x-nothing",
};
std::size_t answer(std::string_view accept) { return preferred(accept, kOffers); }

TEST(Preferred, IsTheFirstOfferWhereNothingIsAskedFor) {
  EXPECT_EQ(answer(""), 0u);
  EXPECT_EQ(answer("*/*"), 0u);
  EXPECT_EQ(answer("image/png"), 0u);
  EXPECT_EQ(answer("application/openmetrics-text;q=0"), 0u);
}

TEST(Preferred, IsTheOfferWithTheHighestWeightInWhateverOrder) {
  EXPECT_EQ(answer("text/plain;q=0.5, application/openmetrics-text"), 1u);
  EXPECT_EQ(answer("application/openmetrics-text, text/plain;q=0.5"), 1u);
  EXPECT_EQ(answer("application/openmetrics-text;q=0.4,text/plain;q=0.5"), 0u);
  EXPECT_EQ(answer("application/x-nothing;q=0.9,*/*;q=0.8"), 2u);
}

TEST(Preferred, OnATieIsWhatAMemberNames) {
  EXPECT_EQ(answer("*/*,application/x-nothing"), 2u);
  EXPECT_EQ(answer("application/*,text/plain"), 0u);
  EXPECT_EQ(answer("application/*"), 1u);
  EXPECT_EQ(answer("application/x-nothing,application/openmetrics-text"), 1u)
      << "the order of members is no preference";
}

TEST(Preferred, KnowsOffersByTheirParameters) {
  EXPECT_EQ(answer("application/openmetrics-text;version=1.0.0"), 1u);
  EXPECT_EQ(answer("application/openmetrics-text; Version=\"1.0.0\" ;q=0.3"), 1u);
  EXPECT_EQ(answer("application/openmetrics-text;version=0.0.1,application/x-nothing;q=0.1"), 2u);
  EXPECT_EQ(answer("application/openmetrics-text;escaping=allow-utf-8"), 1u)
      << "an offer without the parameter may be sent";
}

TEST(Preferred, IsWhatPrometheusAsksForFirst) {
  EXPECT_EQ(answer("application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
                   "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
            1u);
}

}  // namespace
}  // namespace metrics::http
