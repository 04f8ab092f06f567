#include "aggregator/external_url.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace metrics::aggregator {
namespace {

TEST(ExternalUrl, IsTakenApart) {
  const ExternalUrl url = parse_external_url("https://metrics.example.org:8443/a/b/");
  EXPECT_EQ(url.scheme, "https");
  EXPECT_EQ(url.authority, "metrics.example.org:8443");
  EXPECT_EQ(url.path, "/a/b");
  EXPECT_EQ(parse_external_url("http://[::1]/").path, "");
  EXPECT_EQ(parse_external_url("http://[::1]").authority, "[::1]");
  EXPECT_EQ(parse_external_url("").authority, "");
}

TEST(ExternalUrl, IsRefusedIfItIsNone) {
  for (const char* given :
       {"metrics.example.org", "/workers", "ftp://x/", "https://", "https:///x", "http://x/?q",
        "http://x/#f", "http://x/a b", "http://u@x/", "http://x/<script>", "HTTP://x"}) {
    EXPECT_THROW(parse_external_url(given), std::invalid_argument) << given;
  }
}

}  // namespace
}  // namespace metrics::aggregator
