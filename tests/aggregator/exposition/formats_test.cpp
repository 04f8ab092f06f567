// One identity of series in all formats: the same names, labels and values.
#include "aggregator/exposition/formats.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "tests/aggregator/exposition/read_back.h"
#include "tests/support/families_builder.h"

namespace metrics::exposition {
namespace {

using test::FamiliesBuilder;

std::string encoded(const char* name, const reader::Families& families,
                    const Options& options = {}) {
  std::string out;
  format_named(name)->make_encoder(options)(families, out);
  return out;
}

void expect_one_identity(const reader::Families& families) {
  const test::ReadBack text = test::read_text(encoded("text", families));
  EXPECT_EQ(test::read_text(encoded("text-1.0.0", families)), text);
  EXPECT_EQ(test::read_openmetrics(encoded("openmetrics", families)), text);
  EXPECT_EQ(test::read_openmetrics(encoded("openmetrics-0.0.1", families)), text);
  EXPECT_EQ(test::read_protobuf(encoded("protobuf", families)), text);
}

TEST(Formats, HaveNamesByWhichTheyAreFound) {
  for (const Format& format : formats()) EXPECT_EQ(format_named(format.name), &format);
  EXPECT_EQ(format_named("xml"), nullptr);
}

TEST(Formats, HaveTheSameSeries) {
  FamiliesBuilder b;
  b.family(format::Type::kCounter, "jobs", "Jobs.");
  b.counter({{"text", "a\\b\nc\"d\" {},= # \xe6\xbc\xa2"}}, 7, 0.5);
  b.counter({{"text", ""}, {"b", "x"}}, (std::uint64_t{1} << 53) + 1);
  b.counter({}, ~std::uint64_t{0});
  b.family(format::Type::kGauge, "heat", "");
  for (const double v : {HUGE_VAL, -HUGE_VAL, std::nan(""), 5e-324, 1.0 / 3, -0.0}) {
    b.gauge({{"v", std::to_string(v) + std::to_string(std::signbit(v))}}, v);
  }
  b.family(format::Type::kHistogram, "wait_seconds", "", {-1, 0, 0.005, 1, 1e7, 1e300});
  b.series({}).whole(1).whole(2).whole(3).whole(4).whole(5).whole(6).whole(7).real(-3.5);
  b.family(format::Type::kHistogram, "no_bounds", "").series({{"x", "y"}}).whole(3).real(1e-7);
  b.family(format::Type::kHistogram, "forged", "", {1}).series({});
  b.whole(~std::uint64_t{0}).whole(5).real(std::nan(""));
  b.family(format::Type::kSummary, "size", "").series({}).whole(3).real(1.5);
  b.family(format::Type::kInfo, "build", "").info({{"version", "1.0"}}).info({{"version", "2"}});
  b.family(format::Type::kStateSet, "phase", "").gauge({{"phase", "idle"}}, 0.0);
  b.gauge({{"phase", "busy"}}, 1.0);
  b.family(format::Type::kCounter, "empty", "Nothing yet.");
  reader::Families families = b.build();
  expect_one_identity(families);
  EXPECT_EQ(test::read_text(encoded("text", families)).size(), 3u + 6 + 9 + 3 + 4 + 2 + 2 + 2);
  families.families[2].reached_below_zero = true;
  families.shape = reader::new_shape();
  expect_one_identity(families);
}

TEST(Formats, HaveTheSameSeriesWhateverTheNumbersAre) {
  std::mt19937_64 random(42);
  for (int round = 0; round < 300; ++round) {
    FamiliesBuilder b;
    b.family(format::Type::kHistogram, "h", "", {-1e9, -2.5, 0, 1e-5, 1, 123456.75});
    b.series({}).whole(random() >> random() % 64).whole(random() >> random() % 64);
    for (int i = 0; i < 5; ++i) b.whole(random() % 1000);
    b.whole(random());
    b.family(format::Type::kGauge, "g", "").series({}).whole(random());
    b.family(format::Type::kCounter, "c", "").series({}).whole(random() >> random() % 64);
    b.whole(random() % 2 == 0 ? 0 : random());
    expect_one_identity(b.build());
  }
}

TEST(Formats, KeepOnlyWhatStaysTheSame) {
  for (const Format& format : formats()) {
    Encode encode = format.make_encoder({});
    FamiliesBuilder b;
    b.family(format::Type::kGauge, "x", "").gauge({}, 1.0);
    const reader::Families one = b.build();
    FamiliesBuilder c;
    c.family(format::Type::kHistogram, "y", "", {1}).series({}).whole(1).whole(2).real(3);
    const reader::Families other = c.build();
    std::string first, second, again;
    encode(one, first);
    encode(other, second);
    encode(one, again);
    EXPECT_EQ(first, again) << format.name;
    EXPECT_EQ(second, encoded(std::string(format.name).c_str(), other)) << format.name;
  }
}

}  // namespace
}  // namespace metrics::exposition
