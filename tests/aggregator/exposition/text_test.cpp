// The text format, byte by byte.
#include "aggregator/exposition/text.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/support/families_builder.h"

namespace metrics::exposition {
namespace {

using test::FamiliesBuilder;

constexpr std::uint64_t kTwoTo53 = std::uint64_t{1} << 53;

std::string encoded(const reader::Families& families) {
  std::string out;
  TextEncoder().encode(families, out);
  return out;
}

TEST(Text, PrintsNothingForNoFamilies) { EXPECT_EQ(encoded(FamiliesBuilder().build()), ""); }

TEST(Text, PrintsACounterWithTotalAndItsWholeNumberExactly) {
  FamiliesBuilder b;
  b.family(format::Type::kCounter, "tasks", "Tasks done.");
  b.series({{"queue", "a"}}).whole(kTwoTo53 + 1).real(0);
  b.series({{"queue", "b"}, {"host", "h"}}).whole(~std::uint64_t{0}).real(-0.0);
  b.series({}).whole(3).real(0.25);
  EXPECT_EQ(encoded(b.build()),
            "# HELP tasks_total Tasks done.\n"
            "# TYPE tasks_total counter\n"
            "tasks_total{queue=\"a\"} 9007199254740993\n"
            "tasks_total{queue=\"b\",host=\"h\"} 18446744073709551615\n"
            "tasks_total 3.25\n");
}

TEST(Text, PrintsAGauge) {
  FamiliesBuilder b;
  b.family(format::Type::kGauge, "temperature_celsius", "How warm.");
  b.series({{"at", "x"}}).real(-1.5);
  b.series({{"at", "y"}}).real(std::numeric_limits<double>::infinity());
  b.series({{"at", "z"}}).real(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(encoded(b.build()),
            "# HELP temperature_celsius How warm.\n"
            "# TYPE temperature_celsius gauge\n"
            "temperature_celsius{at=\"x\"} -1.5\n"
            "temperature_celsius{at=\"y\"} +Inf\n"
            "temperature_celsius{at=\"z\"} NaN\n");
}

TEST(Text, PrintsAHistogramCumulativelyWithItsCountFromTheLastBucket) {
  FamiliesBuilder b;
  b.family(format::Type::kHistogram, "time_seconds", "Time.", {0.5, 1, 1e6});
  b.series({{"host", "h"}}).whole(1).whole(2).whole(0).whole(4).real(17.5);
  b.series({}).whole(0).whole(0).whole(0).whole(0).real(0);
  EXPECT_EQ(encoded(b.build()),
            "# HELP time_seconds Time.\n"
            "# TYPE time_seconds histogram\n"
            "time_seconds_bucket{host=\"h\",le=\"0.5\"} 1\n"
            "time_seconds_bucket{host=\"h\",le=\"1.0\"} 3\n"
            "time_seconds_bucket{host=\"h\",le=\"1e+06\"} 3\n"
            "time_seconds_bucket{host=\"h\",le=\"+Inf\"} 7\n"
            "time_seconds_count{host=\"h\"} 7\n"
            "time_seconds_sum{host=\"h\"} 17.5\n"
            "time_seconds_bucket{le=\"0.5\"} 0\n"
            "time_seconds_bucket{le=\"1.0\"} 0\n"
            "time_seconds_bucket{le=\"1e+06\"} 0\n"
            "time_seconds_bucket{le=\"+Inf\"} 0\n"
            "time_seconds_count 0\n"
            "time_seconds_sum 0\n");
}

// Nobody counts so far, but a damaged segment may say so.
TEST(Text, KeepsBucketsCumulativeBeyondTheLargestCount) {
  FamiliesBuilder b;
  b.family(format::Type::kHistogram, "x", "", {1});
  b.series({}).whole(3).whole(~std::uint64_t{0} - 1).real(2);
  EXPECT_EQ(encoded(b.build()),
            "# HELP x \n"
            "# TYPE x histogram\n"
            "x_bucket{le=\"1.0\"} 3\n"
            "x_bucket{le=\"+Inf\"} 18446744073709551615\n"
            "x_count 18446744073709551615\n"
            "x_sum 2\n");
}

TEST(Text, PrintsAHistogramWithoutBoundsAsItsInfiniteBucket) {
  FamiliesBuilder b;
  b.family(format::Type::kHistogram, "x", "");
  b.series({}).whole(2).real(1);
  EXPECT_EQ(encoded(b.build()),
            "# HELP x \n# TYPE x histogram\nx_bucket{le=\"+Inf\"} 2\nx_count 2\nx_sum 1\n");
}

TEST(Text, PrintsASummaryAsCountAndSum) {
  FamiliesBuilder b;
  b.family(format::Type::kSummary, "size_bytes", "Size.");
  b.series({{"a", "b"}}).whole(2).real(1e9);
  EXPECT_EQ(encoded(b.build()),
            "# HELP size_bytes Size.\n"
            "# TYPE size_bytes summary\n"
            "size_bytes_count{a=\"b\"} 2\n"
            "size_bytes_sum{a=\"b\"} 1e+09\n");
}

TEST(Text, PrintsAnInfoAsAGaugeOfOne) {
  FamiliesBuilder b;
  b.family(format::Type::kInfo, "build", "What runs.");
  b.series({{"version", "1.0"}});
  b.series({{"version", "2.0"}});
  b.family(format::Type::kGauge, "up", "").series({}).real(1);
  EXPECT_EQ(encoded(b.build()),
            "# HELP build_info What runs.\n"
            "# TYPE build_info gauge\n"
            "build_info{version=\"1.0\"} 1\n"
            "build_info{version=\"2.0\"} 1\n"
            "# HELP up \n"
            "# TYPE up gauge\n"
            "up 1\n");
}

TEST(Text, PrintsHelpAndTypeOfFamiliesWithoutSeries) {
  FamiliesBuilder b;
  b.family(format::Type::kCounter, "a", "A.");
  b.family(format::Type::kHistogram, "b", "", {1});
  b.family(format::Type::kInfo, "c", "C.");
  EXPECT_EQ(encoded(b.build()),
            "# HELP a_total A.\n# TYPE a_total counter\n"
            "# HELP b \n# TYPE b histogram\n"
            "# HELP c_info C.\n# TYPE c_info gauge\n");
}

TEST(Text, EscapesWhatMustNotStandAsItIs) {
  FamiliesBuilder b;
  b.family(format::Type::kGauge, "x", "a\\b\nc\"d\"\\n");
  b.series({{"l", "a\\b\nc\"d\"\\n"}}).real(1);
  b.series({{"l", "\\"}}).real(2);
  b.series({{"l", ""}}).real(3);
  b.series({{"l", "{},= #\t\xc3\xbc\xe6\xbc\xa2\xf0\x9f\x98\x80"}}).real(4);
  EXPECT_EQ(encoded(b.build()),
            "# HELP x a\\\\b\\nc\"d\"\\\\n\n"
            "# TYPE x gauge\n"
            "x{l=\"a\\\\b\\nc\\\"d\\\"\\\\n\"} 1\n"
            "x{l=\"\\\\\"} 2\n"
            "x{l=\"\"} 3\n"
            "x{l=\"{},= #\t\xc3\xbc\xe6\xbc\xa2\xf0\x9f\x98\x80\"} 4\n");
}

TEST(Text, AppendsToWhatIsThere) {
  FamiliesBuilder b;
  b.family(format::Type::kGauge, "x", "").series({}).real(1);
  std::string out = "before\n";
  TextEncoder().encode(b.build(), out);
  EXPECT_EQ(out, "before\n# HELP x \n# TYPE x gauge\nx 1\n");
}

TEST(Text, FollowsValuesAndShape) {
  FamiliesBuilder b;
  b.family(format::Type::kGauge, "x", "").series({}).real(1);
  reader::Families families = b.build();
  TextEncoder encoder;
  const auto encode = [&encoder](const reader::Families& f) {
    std::string out;
    encoder.encode(f, out);
    return out;
  };
  EXPECT_EQ(encode(families), "# HELP x \n# TYPE x gauge\nx 1\n");
  families.values[0] = std::bit_cast<std::uint64_t>(123456.75);
  EXPECT_EQ(encode(families), "# HELP x \n# TYPE x gauge\nx 123456.75\n");
  FamiliesBuilder other;
  other.family(format::Type::kCounter, "another_name", "Help.")
      .series({{"a", "b"}})
      .whole(2)
      .real(0);
  other.family(format::Type::kGauge, "g", "").series({}).real(3.5);
  other.family(format::Type::kInfo, "y", "").series({});
  EXPECT_EQ(encode(other.build()),
            "# HELP another_name_total Help.\n# TYPE another_name_total counter\n"
            "another_name_total{a=\"b\"} 2\n"
            "# HELP g \n# TYPE g gauge\ng 3.5\n"
            "# HELP y_info \n# TYPE y_info gauge\ny_info 1\n");
  EXPECT_EQ(encode(FamiliesBuilder().build()), "");
  EXPECT_EQ(encode(families), "# HELP x \n# TYPE x gauge\nx 123456.75\n");
}

TEST(Text, AllocatesNothingOnceTheOutputIsLargeEnough) {
  FamiliesBuilder b;
  b.family(format::Type::kHistogram, "x", "", {1, 2, 3});
  for (int i = 0; i < 100; ++i) {
    b.series({{"i", std::to_string(i)}}).whole(1).whole(2).whole(3).whole(4).real(5);
  }
  const reader::Families families = b.build();
  TextEncoder encoder;
  std::string out;
  encoder.encode(families, out);
  const char* const place = out.data();
  const std::string first = out;
  out.clear();
  encoder.encode(families, out);
  EXPECT_EQ(out.data(), place);
  EXPECT_EQ(out, first);
}

TEST(Text, FillsEveryNumberAtItsLongest) {
  FamiliesBuilder b;
  b.family(format::Type::kGauge, "x", "");
  for (int i = 0; i < 1000; ++i) {
    b.series({{"i", std::to_string(i)}}).real(std::numeric_limits<double>::lowest());
  }
  const std::string out = encoded(b.build());
  EXPECT_TRUE(out.ends_with("x{i=\"999\"} -1.7976931348623157e+308\n"));
}

TEST(Text, IsEncodedByManyThreadsAtOnce) {
  FamiliesBuilder b;
  b.family(format::Type::kCounter, "x", "X.");
  for (int i = 0; i < 50; ++i) b.series({{"i", std::to_string(i)}}).whole(7).real(0);
  const reader::Families families = b.build();
  const std::string expected = encoded(families);
  std::atomic<int> right = 0;
  std::vector<std::jthread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      TextEncoder encoder;
      std::string out;
      for (int i = 0; i < 200; ++i) {
        out.clear();
        encoder.encode(families, out);
        right += out == expected ? 1 : 0;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(right, 4 * 200);
}

TEST(Text, HasTheContentTypeOfVersion004) {
  EXPECT_EQ(kTextContentType, "text/plain; version=0.0.4; charset=utf-8");
}

}  // namespace
}  // namespace metrics::exposition
