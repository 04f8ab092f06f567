// What several threads print together is what one prints, byte by byte.
#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>

#include "aggregator/exposition/openmetrics.h"
#include "aggregator/exposition/text.h"
#include "libmetrics/reader/parts.h"
#include "tests/support/families_builder.h"

namespace metrics::exposition {
namespace {

using test::FamiliesBuilder;

// Families of all kinds, with few series or many, short and long labels, and numbers of any length.
class RandomFamilies {
 public:
  explicit RandomFamilies(unsigned seed) : random_(seed) {}

  reader::Families make() {
    FamiliesBuilder b;
    for (int family = 0; family < 8; ++family) {
      const std::string name = "family_" + std::to_string(family);
      const unsigned series = below(3) == 0 ? below(2) : below(600);
      switch (below(4)) {
        case 0:
          b.family(format::Type::kCounter, name, "Counts.");
          each(b, series, [&] { b.whole(number()).real(below(3) == 0 ? real() : 0); });
          break;
        case 1:
          b.family(format::Type::kHistogram, name, "Times.", {-1, 0.5, 7});
          each(b, series, [&] {
            for (int bucket = 0; bucket < 4; ++bucket) b.whole(number() >> 3);
            b.real(real());
          });
          break;
        case 2:
          b.family(format::Type::kGauge, name, "Levels.");
          each(b, series, [&] { b.real(real()); });
          break;
        case 3:
          b.family(format::Type::kInfo, name, "Facts.");
          each(b, series, [] {});
      }
    }
    return b.build();
  }

 private:
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  std::uint64_t number() { return random_() >> below(64); }
  double real() {
    if (below(9) == 0) return std::numeric_limits<double>::infinity();
    return static_cast<double>(random_()) / (1.0 + below(1000));
  }
  template <class Values>
  void each(FamiliesBuilder& b, unsigned series, Values values) {
    for (unsigned i = 0; i < series; ++i) {
      const std::string number = std::to_string(i);
      if (series == 1 && below(2) == 0) {
        b.series({});
      } else {
        b.series({{"a", std::string(below(90), 'x') + number}, {"quoted", "\"\\\n"}});
      }
      values();
      if (below(50) == 0) b.exemplar(real(), 1'000'000'000 + i, {{"trace", number}});
    }
  }

  std::mt19937_64 random_;
};

template <class Encoder>
std::string printed_by(std::size_t threads, const reader::Families& families) {
  Encoder encoder({.created_lines = true, .threads = {threads, 1}});
  std::string text = "what was there";
  encoder.replace(families, text);
  encoder.replace(families, text);
  return text;
}

TEST(PiecesInParts, AreTheSameBytesHoweverManyThreadsPrintThem) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const reader::Families families = RandomFamilies(seed).make();
    const std::string text = printed_by<TextEncoder>(1, families);
    const std::string openmetrics = printed_by<OpenMetricsEncoder>(1, families);
    for (const std::size_t threads : {2u, 3u, 16u}) {
      ASSERT_EQ(printed_by<TextEncoder>(threads, families), text) << "seed " << seed;
      ASSERT_EQ(printed_by<OpenMetricsEncoder>(threads, families), openmetrics) << "seed " << seed;
    }
  }
}

TEST(PiecesInParts, AreAppendedToWhatIsThere) {
  const reader::Families families = RandomFamilies(3).make();
  std::string one = "before", several = "before";
  TextEncoder().encode(families, one);
  TextEncoder({.threads = {3, 1}}).encode(families, several);
  EXPECT_EQ(several, one);
}

}  // namespace
}  // namespace metrics::exposition
