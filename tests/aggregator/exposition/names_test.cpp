// Names that are not legacy ones, in each format and for each kind of server.
#include "aggregator/exposition/names.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "aggregator/exposition/formats.h"
#include "tests/aggregator/exposition/read_back.h"
#include "tests/support/families_builder.h"

namespace metrics::exposition {
namespace {

using format::Escaping;
using test::FamiliesBuilder;

constexpr std::array kEscapings = {Escaping::kUnderscores, Escaping::kAllowUtf8, Escaping::kDots,
                                   Escaping::kValues};

std::string encoded(const char* format, const reader::Families& families, Escaping escaping) {
  std::string out;
  format_named(format)->make_encoder({.escaping = escaping})(families, out);
  return out;
}

reader::Families foreign_names() {
  FamiliesBuilder b;
  b.family(format::Type::kCounter, "http.requests", "Requests.");
  b.counter({{"uri.path", "/"}, {"code", "200"}}, 3);
  b.counter({}, 4);
  b.family(format::Type::kHistogram, "wait time", "", {1}).series({}).whole(1).whole(2).real(3);
  b.family(format::Type::kInfo, "app.build", "").info({{"\xe7\x89\x88", "1"}});
  b.family(format::Type::kGauge, "plain_name", "").gauge({{"a_b", "x"}}, 5.0);
  return b.build();
}

TEST(Names, AreQuotedForServersThatTakeThemAsTheyAre) {
  EXPECT_EQ(encoded("text-1.0.0", foreign_names(), Escaping::kAllowUtf8),
            "# HELP \"http.requests_total\" Requests.\n# TYPE \"http.requests_total\" counter\n"
            "{\"http.requests_total\",\"uri.path\"=\"/\",code=\"200\"} 3\n"
            "{\"http.requests_total\"} 4\n"
            "# HELP \"wait time\" \n# TYPE \"wait time\" histogram\n"
            "{\"wait time_bucket\",le=\"1.0\"} 1\n"
            "{\"wait time_bucket\",le=\"+Inf\"} 3\n"
            "{\"wait time_count\"} 3\n"
            "{\"wait time_sum\"} 3\n"
            "# HELP \"app.build_info\" \n# TYPE \"app.build_info\" gauge\n"
            "{\"app.build_info\",\"\xe7\x89\x88\"=\"1\"} 1\n"
            "# HELP plain_name \n# TYPE plain_name gauge\nplain_name{a_b=\"x\"} 5\n");
  const std::string text = encoded("openmetrics", foreign_names(), Escaping::kAllowUtf8);
  EXPECT_TRUE(
      text.starts_with("# HELP \"http.requests\" Requests.\n"
                       "# TYPE \"http.requests\" counter\n"
                       "{\"http.requests_total\",\"uri.path\"=\"/\",code=\"200\"} 3\n"))
      << text;
}

TEST(Names, AreEscapedForOthers) {
  const auto first_series = [](const char* format, Escaping escaping) {
    const std::string text = encoded(format, foreign_names(), escaping);
    const std::size_t begin = text.find("\n", text.find("# TYPE ")) + 1;
    return text.substr(begin, text.find('\n', begin) - begin);
  };
  for (const char* format : {"text", "openmetrics"}) {
    EXPECT_EQ(first_series(format, Escaping::kUnderscores),
              "http_requests_total{uri_path=\"/\",code=\"200\"} 3");
    EXPECT_EQ(first_series(format, Escaping::kDots),
              "http_dot_requests__total{uri_dot_path=\"/\",code=\"200\"} 3");
    EXPECT_EQ(first_series(format, Escaping::kValues),
              "U__http_2e_requests__total{U__uri_2e_path=\"/\",code=\"200\"} 3");
  }
}

TEST(Names, AreTheSameInAllFormatsInEachEscaping) {
  for (const Escaping escaping : kEscapings) {
    const test::ReadBack text = test::read_text(encoded("text", foreign_names(), escaping));
    EXPECT_EQ(text.size(), 2u + 4 + 1 + 1);
    EXPECT_EQ(test::read_openmetrics(encoded("openmetrics", foreign_names(), escaping)), text);
    EXPECT_EQ(test::read_protobuf(encoded("protobuf", foreign_names(), escaping)), text);
  }
}

TEST(Names, ThatMeetBelongToTheFamilyThatDoesNotYieldOrElseToTheFirst) {
  FamiliesBuilder b;
  b.family(format::Type::kGauge, "a_b", "").gauge({}, 1.0);
  b.family(format::Type::kGauge, "a.b", "").gauge({}, 2.0);
  b.family(format::Type::kGauge, "c.d", "").gauge({}, 3.0);
  b.family(format::Type::kGauge, "c/d", "").gauge({}, 4.0);
  b.family(format::Type::kGauge, "e.f_sum", "").gauge({}, 5.0);
  b.family(format::Type::kSummary, "e_f", "").series({}).whole(6).real(7);
  reader::Families families = b.build();
  families.families[0].yields = true;
  families.families[4].yields = true;
  for (const char* format : {"text", "openmetrics"}) {
    EXPECT_EQ(
        test::read_text(encoded(format, families, Escaping::kUnderscores)),
        (test::ReadBack{{"a_b{}", "2"}, {"c_d{}", "3"}, {"e_f_count{}", "6"}, {"e_f_sum{}", "7"}}));
    EXPECT_EQ(test::read_text(encoded(format, families, Escaping::kAllowUtf8)).size(), 7u);
    EXPECT_EQ(test::read_text(encoded(format, families, Escaping::kDots)).size(), 7u)
        << "dots keep all of these apart";
  }
  EXPECT_EQ(test::read_protobuf(encoded("protobuf", families, Escaping::kUnderscores)).size(), 4u);
  std::vector<std::string> left_out;
  escaped(families, Escaping::kUnderscores, &left_out);
  EXPECT_EQ(left_out,
            std::vector<std::string>{
                "gauge \"c/d\" is left out for servers that see it as \"c_d\": another "
                "family has that name, or one of its samples"})
      << "what yields is for its segment to tell";
  // Alone, too: what is shown of a family doesn't depend on what else a client has asked for.
  families.families.erase(families.families.begin() + 1, families.families.end());
  families.families[0].name = "a:b.c";
  EXPECT_EQ(encoded("text", families, Escaping::kUnderscores), "");
  EXPECT_NE(encoded("text", families, Escaping::kValues), "");
}

TEST(Names, OfLabelsThatMeetAreKeptApart) {
  FamiliesBuilder b;
  b.family(format::Type::kCounter, "x", "").counter({{"a.b", "1"}}, 1);
  b.counter({{"a_b", "1"}}, 2).counter({{"a_b", "2"}}, 3).counter({{"a.b", "4"}, {"a/b", "5"}}, 4);
  const reader::Families families = b.build();
  for (const char* format : {"text", "openmetrics"}) {
    EXPECT_EQ(test::read_text(encoded(format, families, Escaping::kUnderscores)),
              (test::ReadBack{{"x_total{a_b=\"1\",}", "1"},
                              {"x_total{a_b=\"2\",}", "3"},
                              {"x_total{U__a_2f_b=\"5\",a_b=\"4\",}", "4"}}));
  }
}

TEST(Names, ThatAreLegacyOnesCostNothing) {
  FamiliesBuilder b;
  b.family(format::Type::kCounter, "x", "").counter({{"a", "1"}}, 1);
  const reader::Families families = b.build();
  for (const Escaping e : {Escaping::kUnderscores, Escaping::kAllowUtf8, Escaping::kValues}) {
    EXPECT_FALSE(escaped(families, e));
  }
  EXPECT_TRUE(escaped(families, Escaping::kDots)) << "x_total";
}

}  // namespace
}  // namespace metrics::exposition
