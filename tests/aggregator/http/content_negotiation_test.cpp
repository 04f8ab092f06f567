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

constexpr std::array kOffers = {
    Offer{"text/plain; version=0.0.4; charset=utf-8", 0},
    Offer{"application/openmetrics-text; version=1.0.0; charset=utf-8", 2},
    Offer{"application/openmetrics-text; version=0.0.1; charset=utf-8", 1},
    Offer{"application/x-bytes; proto=a.b.C; encoding=delimited", 3, true},
};
std::size_t answer(std::string_view accept) { return preferred(accept, kOffers).offer; }

TEST(Preferred, IsTheFirstOfferWhereNothingIsAskedFor) {
  EXPECT_EQ(answer(""), 0u);
  EXPECT_EQ(answer("*/*"), 0u);
  EXPECT_EQ(answer("image/png"), 0u);
  EXPECT_EQ(answer("application/openmetrics-text;q=0"), 0u);
  EXPECT_EQ(answer(";,;;,=,/,\","), 0u);
  EXPECT_EQ(preferred("image/png;escaping=dots", kOffers).parameters, "");
}

TEST(Preferred, IsTheOfferWithTheHighestWeightInWhateverOrder) {
  EXPECT_EQ(answer("text/plain;q=0.5, application/openmetrics-text"), 1u);
  EXPECT_EQ(answer("application/openmetrics-text, text/plain;q=0.5"), 1u);
  EXPECT_EQ(answer("application/openmetrics-text;q=0.4,text/plain;q=0.5"), 0u);
  EXPECT_EQ(answer("application/openmetrics-text;version=0.0.1;q=0.9,*/*;q=0.8"), 2u);
}

TEST(Preferred, OnATieIsWhatAMemberNames) {
  EXPECT_EQ(answer("*/*,application/openmetrics-text"), 1u);
  EXPECT_EQ(answer("application/*,text/plain"), 0u);
  EXPECT_EQ(answer("application/*"), 1u);
  EXPECT_EQ(answer("application/*, */*"), 1u);
}

TEST(Preferred, OnATieOfNamesIsTheOfferWithTheHigherPreference) {
  for (const char* accept :
       {"text/plain, application/openmetrics-text", "application/openmetrics-text, text/plain"}) {
    EXPECT_EQ(answer(accept), 1u) << accept;
  }
  EXPECT_EQ(answer("application/openmetrics-text;version=0.0.1,"
                   "application/openmetrics-text;version=1.0.0"),
            1u);
  EXPECT_EQ(answer("application/openmetrics-text;version=1.0.0,"
                   "application/x-bytes;proto=a.b.C;encoding=delimited"),
            3u);
}

TEST(Preferred, KnowsOffersByTheirParameters) {
  EXPECT_EQ(answer("application/openmetrics-text;version=1.0.0"), 1u);
  EXPECT_EQ(answer("application/openmetrics-text; Version=\"1.0.0\" ;q=0.3"), 1u);
  EXPECT_EQ(answer("application/openmetrics-text;version=0.0.1,text/plain;q=0.1"), 2u);
  EXPECT_EQ(answer("application/openmetrics-text;version=2.0.0,text/plain;q=0.1"), 0u);
  EXPECT_EQ(answer("application/openmetrics-text;charset=latin1,text/plain;q=0.1"), 0u);
  EXPECT_EQ(answer("application/openmetrics-text;escaping=allow-utf-8"), 1u)
      << "an offer without the parameter may be sent";
}

TEST(Preferred, IsAnOfferThatMustBeAskedForInFullOnlyIfItIs) {
  EXPECT_EQ(answer("application/x-bytes;encoding=delimited;proto=a.b.C"), 3u);
  EXPECT_EQ(answer("application/x-bytes"), 0u);
  EXPECT_EQ(answer("application/x-bytes;proto=a.b.C"), 0u);
  EXPECT_EQ(answer("application/x-bytes;proto=a.b.C;encoding=text"), 0u);
  EXPECT_EQ(answer("application/x-*;q=1"), 0u) << "no wildcard";
  constexpr std::array kOne = {Offer{"a/b", 0}, Offer{"x/y; z=1", 1, true}};
  EXPECT_EQ(preferred("x/*, a/b;q=0.1", kOne).offer, 0u);
}

TEST(Preferred, IsNotWhatAMemberRefusesWhereAWildcardWouldTakeIt) {
  EXPECT_EQ(answer("text/plain;q=0, */*;q=0.5"), 1u);
  EXPECT_EQ(answer("*/*;q=0.5, text/plain;q=x"), 1u) << "a malformed weight is a refusal";
  EXPECT_EQ(answer("*/*;q=0, application/openmetrics-text;q=0.1"), 1u);
}

TEST(Preferred, HasTheParametersOfTheMemberThatWon) {
  const auto escaping = [](std::string_view accept) {
    return parameter_value(preferred(accept, kOffers).parameters, "escaping");
  };
  EXPECT_EQ(escaping("text/plain;escaping=dots;q=0.1,application/openmetrics-text; "
                     "Escaping = \"allow-utf-8\";q=0.5"),
            "allow-utf-8");
  EXPECT_EQ(escaping("text/plain;escaping=dots, application/openmetrics-text;q=0.5"), "dots");
  EXPECT_EQ(escaping("*/*;escaping=values"), "values");
  EXPECT_EQ(escaping("text/plain"), "");
  EXPECT_EQ(escaping("text/plain;escaping"), "");
}

TEST(Preferred, DoesNotLookIntoQuotedText) {
  EXPECT_EQ(answer("x/y;a=\",application/openmetrics-text;q=1,\", text/plain;q=0.1"), 0u);
  EXPECT_EQ(answer("x/y;a=\"\\\",application/openmetrics-text\", text/plain;q=0.1"), 0u);
  EXPECT_EQ(answer("text/plain;a=\";q=0\";q=0.5, application/openmetrics-text;q=0.4"), 0u);
}

}  // namespace
}  // namespace metrics::http
