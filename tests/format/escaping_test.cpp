// Names for servers that don't know all of UTF-8: the specification's examples, and its corners.
#include "libmetrics/format/escaping.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace metrics::format {
namespace {

std::string family(std::string_view name, Escaping escaping) {
  return escaped(name, escaping, NameOf::kFamily);
}

TEST(Escaping, HasTheNamesOfRequests) {
  for (const char* name : {"underscores", "allow-utf-8", "dots", "values"}) {
    ASSERT_TRUE(escaping_named(name)) << name;
    EXPECT_EQ(to_string(*escaping_named(name)), name);
  }
  for (const char* name : {"", "utf-8", "Dots", "allow-utf8"}) EXPECT_FALSE(escaping_named(name));
}

TEST(Escaping, LeavesLegacyNamesButForDots) {
  for (const char* name : {"x", ":x", "_x9:", "tasks_total"}) {
    EXPECT_TRUE(is_legacy_name(name, NameOf::kFamily)) << name;
    for (const Escaping e : {Escaping::kUnderscores, Escaping::kAllowUtf8, Escaping::kValues}) {
      EXPECT_EQ(family(name, e), name);
    }
  }
  EXPECT_EQ(family("tasks_total", Escaping::kDots), "tasks__total");
  for (const char* name : {"", "9x", "a.b", "\xc3\xa9", "a b"}) {
    EXPECT_FALSE(is_legacy_name(name, NameOf::kFamily)) << name;
  }
  EXPECT_FALSE(is_legacy_name("a:b", NameOf::kLabel));
}

TEST(Escaping, WritesNamesAsTheSpecificationHasThem) {
  EXPECT_EQ(family("metric.name/with/slashes", Escaping::kUnderscores), "metric_name_with_slashes");
  EXPECT_EQ(family("metric.name.with.dots", Escaping::kDots), "metric_dot_name_dot_with_dot_dots");
  EXPECT_EQ(family("metric.name", Escaping::kValues), "U__metric_2e_name");
  EXPECT_EQ(family("metric.name", Escaping::kAllowUtf8), "metric.name");
}

TEST(Escaping, ReplacesCharactersNotBytes) {
  const std::string name = "9_\xc3\xa9\xe6\xbc\xa2\xf0\x9f\x98\x80:a";  // 1, 2, 3 and 4 bytes
  EXPECT_EQ(family(name, Escaping::kUnderscores), "_____:a");
  EXPECT_EQ(family(name, Escaping::kDots), "__________:a");
  EXPECT_EQ(family(name, Escaping::kValues), "U___39____e9__6f22__1f600_:a");
  EXPECT_EQ(escaped("a:b", Escaping::kUnderscores, NameOf::kLabel), "a_b");
  EXPECT_EQ(escaped("a:b", Escaping::kValues, NameOf::kLabel), "U__a_3a_b");
}

}  // namespace
}  // namespace metrics::format
