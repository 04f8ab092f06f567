// The daemon's pages without sockets: which are listed, which can't be, how a scrape is answered.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/endpoints/endpoint.h"
#include "aggregator/endpoints/favicon.h"
#include "aggregator/endpoints/health.h"
#include "aggregator/endpoints/http_sd.h"
#include "aggregator/endpoints/metrics.h"
#include "aggregator/exposition/formats.h"
#include "aggregator/exposition/protobuf.h"
#include "tests/support/temp_segment.h"

namespace metrics::endpoints {
namespace {

using test::TempSegment;

http::Response get(const http::Routes& table, const std::string& path,
                   std::vector<std::pair<std::string_view, std::string_view>> headers = {},
                   std::string_view query = {}) {
  return table.at(path).handler(
      {.method = "GET", .path = path, .query = query, .headers = std::move(headers)});
}

Endpoint page(const std::string& path) {
  return {path, "Title of " + path, {[](const http::Request&) {
            return http::text_response(200, "text");
          }}};
}

TEST(Endpoints, AreListedOnTheLandingPageInTheirOrder) {
  const http::Routes table = routes({page("/b"), page("/a")});
  EXPECT_EQ(table.size(), 3u);
  const http::Response landing = get(table, "/");
  EXPECT_EQ(landing.content_type, "text/html; charset=utf-8");
  const std::size_t b = landing.body->find("<a href=\"/b\">Title of /b</a>");
  const std::size_t a = landing.body->find("<a href=\"/a\">Title of /a</a>");
  EXPECT_NE(b, std::string::npos) << *landing.body;
  EXPECT_NE(a, std::string::npos);
  EXPECT_LT(b, a);
}

TEST(Endpoints, WithoutATitleAreServedAndNotListed) {
  const http::Routes table = routes({page("/a"), favicon()});
  EXPECT_EQ(get(table, "/favicon.ico").content_type, "image/svg+xml");
  EXPECT_EQ(get(table, "/").body->find("<li><a href=\"/favicon.ico\""), std::string::npos);
}

TEST(Endpoints, StandBehindAPrefixToWhichItsBeginningsLead) {
  const http::Routes table = routes({page("/a")}, "/x/y");
  EXPECT_EQ(table.size(), 4u);
  EXPECT_EQ(get(table, "/x/y/a").status, 200);
  EXPECT_NE(get(table, "/x/y/").body->find("<a href=\"/x/y/a\">"), std::string::npos);
  for (const char* beginning : {"/", "/x/y"}) {
    const http::Response response = get(table, beginning);
    EXPECT_EQ(response.status, 302);
    EXPECT_EQ(response.headers.at(0), (std::pair<std::string, std::string>("Location", "/x/y/")));
  }
}

TEST(HttpSd, NamesTheTargetAsTheOneWhoAsksHasReachedIt) {
  const http::Routes table = routes({http_sd({}, "/metrics")});
  const http::Response response = get(table, "/http_sd", {{"Host", "[::1]:8001"}});
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(*response.body,
            "[{\"labels\":{\"__metrics_path__\":\"/metrics\",\"__scheme__\":\"http\"},"
            "\"targets\":[\"[::1]:8001\"]}]\n");
  const http::Request secure{"GET", "/http_sd", "", {{"Host", "x:1"}}, "https"};
  EXPECT_NE(table.at("/http_sd").handler(secure).body->find("\"__scheme__\":\"https\""),
            std::string::npos);
}

TEST(HttpSd, NamesTheTargetByItsExternalUrlIfThereIsOne) {
  const http::Routes table = routes({http_sd({"https", "out.example"}, "/x/metrics")}, "/x");
  EXPECT_EQ(*get(table, "/x/http_sd", {{"Host", "in.example"}}).body,
            "[{\"labels\":{\"__metrics_path__\":\"/x/metrics\",\"__scheme__\":\"https\"},"
            "\"targets\":[\"out.example\"]}]\n");
}

TEST(HttpSd, RefusesAHostThatCantBeATarget) {
  const http::Routes table = routes({http_sd({}, "/metrics")});
  for (const char* host : {"", "a b", "a\"b", "a/b", "user@host"}) {
    EXPECT_EQ(get(table, "/http_sd", {{"Host", host}}).status, 400) << host;
  }
}

TEST(Endpoints, CantShareAPath) {
  try {
    routes({page("/-/ready"), healthy(), ready()});
    ADD_FAILURE() << "two pages have one path";
  } catch (const std::invalid_argument& e) {
    EXPECT_STREQ(e.what(), "/-/ready is the path of another page; choose another one");
  }
  EXPECT_THROW(routes({page("/")}), std::invalid_argument);
}

TEST(Endpoints, ForHealthChecksAreServedAboveTheLimit) {
  const http::Routes table = routes({healthy(), ready()});
  for (const char* path : {"/-/healthy", "/-/ready"}) {
    EXPECT_EQ(table.at(path).limit, http::Route::Limit::kExempt);
    EXPECT_EQ(get(table, path).status, 200);
  }
}

TEST(MetricsPage, IsInTheFormatAndTheCodingThatAreAskedFor) {
  TempSegment t;
  t.counter("tasks").inc(3);
  t.counter("others").inc(4);
  scrape::Scrape scrape({t.path()});
  const http::Routes table = routes({metrics_page(scrape, "/metrics")});
  EXPECT_EQ(table.at("/metrics").limit, http::Route::Limit::kCounted);
  const http::Response plain = get(table, "/metrics");
  EXPECT_EQ(plain.content_type, exposition::formats().front().content_type);
  EXPECT_NE(plain.body->find("\ntasks_total 3\n"), std::string::npos);
  EXPECT_EQ(
      plain.headers,
      (std::vector<std::pair<std::string, std::string>>{{"Vary", "Accept, Accept-Encoding"}}));
  const http::Response packed = get(table, "/metrics", {{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(packed.headers.back(),
            (std::pair<std::string, std::string>("Content-Encoding", "gzip")));
  EXPECT_TRUE(packed.body->starts_with("\x1f\x8b"));
  const http::Response chosen = get(table, "/metrics", {}, "name[]=tasks_total");
  EXPECT_EQ(*chosen.body, "# HELP tasks_total \n# TYPE tasks_total counter\ntasks_total 3\n");
}

// What servers send, as it was captured, and what they get: see the table in docs/formats.md.
TEST(MetricsPage, IsInTheFormatThatEachServerAsksForFirst) {
  TempSegment t;
  scrape::Scrape scrape({t.path()});
  const http::Routes table = routes({metrics_page(scrape, "/metrics")});
  const std::string protobuf =
      "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
  const std::string prometheus_2_42 =
      "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
      "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
  const std::string prometheus_2_53 =
      "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;"
      "version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
  const std::string prometheus_3_5 =
      "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/"
      "openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
      "text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
  const std::string text = "text/plain; version=0.0.4; charset=utf-8";
  const std::string openmetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
  const std::vector<std::pair<std::string, std::string>> answers = {
      {prometheus_2_42, openmetrics},
      {prometheus_2_53, openmetrics},
      {prometheus_3_5, openmetrics + "; escaping=allow-utf-8"},
      {protobuf + "," + prometheus_2_42, std::string(exposition::kProtobufContentType)},
      {protobuf + ";q=0.5," + prometheus_2_53, std::string(exposition::kProtobufContentType)},
      {protobuf + ";q=0.6," + prometheus_3_5, std::string(exposition::kProtobufContentType)},
      {protobuf + ",*/*;q=0.5", std::string(exposition::kProtobufContentType)},
      {"application/openmetrics-text;version=0.0.1",
       "application/openmetrics-text; version=0.0.1; charset=utf-8"},
      {"application/openmetrics-text", openmetrics},
      {"text/plain;version=1.0.0", "text/plain; version=1.0.0; charset=utf-8"},
      {"text/plain", text},
      {"text/*", text},
      {"*/*", text},
      {"", text},
      {"application/json", text},
      {"application/vnd.google.protobuf", text},
      {"text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8", text},
  };
  for (const auto& [accept, content_type] : answers) {
    const http::Response response = get(table, "/metrics", {{"Accept", accept}});
    EXPECT_EQ(response.content_type, content_type) << accept;
    EXPECT_EQ(response.body->ends_with("# EOF\n"), content_type.starts_with("application/open"));
  }
}

TEST(MetricsPage, SaysWhichEscapingItUsedWhereOneWasAskedFor) {
  TempSegment t;
  t.counter("http.requests").inc(3);
  scrape::Scrape scrape({t.path()});
  const http::Routes table = routes({metrics_page(scrape, "/metrics")});
  const auto answer = [&](std::string_view accept) {
    return get(table, "/metrics", {{"Accept", accept}});
  };
  const http::Response utf8 = answer("text/plain;version=1.0.0;escaping=allow-utf-8");
  EXPECT_EQ(utf8.content_type, "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8");
  EXPECT_NE(utf8.body->find("\n{\"http.requests_total\"} 3\n"), std::string::npos);
  const http::Response dots = answer("application/openmetrics-text;escaping=\"dots\"");
  EXPECT_EQ(dots.content_type,
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=dots");
  EXPECT_NE(dots.body->find("\nhttp_dot_requests__total 3\n"), std::string::npos);
  for (const char* accept : {"text/plain", "text/plain;escaping=other", ""}) {
    EXPECT_EQ(answer(accept).content_type, "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_NE(answer(accept).body->find("\nhttp_requests_total 3\n"), std::string::npos);
  }
  for (const char* name : {"http.requests", "http_requests_total"}) {
    const std::string query = std::string("name[]=") + name;
    EXPECT_NE(get(table, "/metrics", {}, query).body->find("\nhttp_requests_total 3\n"),
              std::string::npos);
  }
}

template <char kLetter>
exposition::Encode encoder_of_a_letter(const exposition::Options& /*options*/) {
  return [](const reader::Families&, std::string& out) { out = kLetter; };
}

// Each row of the list can be asked for: nothing else has to know it.
TEST(MetricsPage, IsInEachFormatOfTheList) {
  TempSegment t;
  scrape::Scrape scrape({t.path()});
  const std::vector<exposition::Format> formats = {
      {"a", "text/x-a", &encoder_of_a_letter<'a'>},
      {"b", "text/x-b; version=2", &encoder_of_a_letter<'b'>}};
  const http::Routes table = routes({metrics_page(scrape, "/metrics", {}, formats)});
  const auto asked_for = [&](std::string_view accept) {
    const http::Response response = get(table, "/metrics", {{"Accept", accept}});
    return std::string(response.content_type) + ": " + *response.body;
  };
  EXPECT_EQ(asked_for("text/x-a"), "text/x-a: a");
  EXPECT_EQ(asked_for("text/x-b"), "text/x-b; version=2: b");
  EXPECT_EQ(asked_for("text/x-a;q=0.5, text/x-b;version=2"), "text/x-b; version=2: b");
  EXPECT_EQ(asked_for("text/x-c"), "text/x-a: a") << "the first one is for all others";
}

}  // namespace
}  // namespace metrics::endpoints
