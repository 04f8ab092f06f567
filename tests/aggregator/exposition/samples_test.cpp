#include "aggregator/exposition/samples.h"

#include <gtest/gtest.h>

#include <string>

#include "aggregator/exposition/text.h"
#include "tests/support/families_builder.h"

namespace metrics::exposition {
namespace {

using format::Type;

// Two programs print the same numbers: what the inspector shows is what a scrape shows.
TEST(Samples, AreTheLinesOfTheExposition) {
  test::FamiliesBuilder b;
  b.family(Type::kCounter, "c", "").series({{"a", "\\\"\n"}}).whole((1ull << 53) + 1).real(0);
  b.series({}).whole(1).real(0.25);
  b.family(Type::kGauge, "g", "").series({}).real(1e300);
  b.family(Type::kHistogram, "h", "", {0.5, 1})
      .series({{"a", "b"}})
      .whole(1)
      .whole(0)
      .whole(2)
      .real(-0.1);
  b.family(Type::kSummary, "s", "").series({}).whole(2).real(3);
  b.family(Type::kInfo, "i", "").series({{"v", "1"}});
  const reader::Families families = b.build();
  std::string lines;
  for (const auto& family : families.families) {
    for (const auto& series : family.series) {
      for (const Sample& s : samples_of(families, family, series)) {
        lines += spelled(s) + ' ' + s.value + '\n';
      }
    }
  }
  std::string text;
  TextEncoder().encode(families, text);
  std::string without_comments;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at) + 1;
    if (text[at] != '#') without_comments += text.substr(at, end - at);
    at = end;
  }
  EXPECT_EQ(lines, without_comments);
}

}  // namespace
}  // namespace metrics::exposition
