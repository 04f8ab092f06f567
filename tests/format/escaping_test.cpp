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

// The documentation has single underscores for what `dots` does not know, and digits A-F in
// `values`; the library that servers and clients have in common, whose cases these are, writes two
// underscores, and a-f. Who reads names back takes both.
TEST(Escaping, WritesNamesAsServersAndOtherClientsDo) {
  struct Case {
    const char *name, *underscores, *dots, *values;
  };
  for (const Case& c : {
           Case{"", "", "", ""},
           Case{"no:escaping_required", "no:escaping_required", "no:escaping__required",
                "no:escaping_required"},
           Case{"mysystem.prod.west.cpu.load", "mysystem_prod_west_cpu_load",
                "mysystem_dot_prod_dot_west_dot_cpu_dot_load",
                "U__mysystem_2e_prod_2e_west_2e_cpu_2e_load"},
           Case{"mysystem.prod.west.cpu.load_total", "mysystem_prod_west_cpu_load_total",
                "mysystem_dot_prod_dot_west_dot_cpu_dot_load__total",
                "U__mysystem_2e_prod_2e_west_2e_cpu_2e_load__total"},
           Case{"http.status:sum", "http_status:sum", "http_dot_status:sum",
                "U__http_2e_status:sum"},
           Case{"label with \xf0\x9f\x98\xb1", "label_with__", "label__with____",
                "U__label_20_with_20__1f631_"},
           Case{"\xe8\x8a\xb1\xe7\x81\xab", "__", "____", "U___82b1__706b_"},
           Case{"label with \xc4\x80", "label_with__", "label__with____",
                "U__label_20_with_20__100_"},
           Case{"unicode.and.dots.\xe8\x8a\xb1\xe7\x81\xab", "unicode_and_dots___",
                "unicode_dot_and_dot_dots_dot_____", "U__unicode_2e_and_2e_dots_2e__82b1__706b_"},
       }) {
    EXPECT_EQ(family(c.name, Escaping::kUnderscores), c.underscores);
    EXPECT_EQ(family(c.name, Escaping::kDots), c.dots);
    EXPECT_EQ(family(c.name, Escaping::kValues), c.values);
    EXPECT_EQ(family(c.name, Escaping::kAllowUtf8), c.name);
  }
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
