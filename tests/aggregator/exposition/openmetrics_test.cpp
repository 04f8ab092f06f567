// OpenMetrics, byte by byte.
#include "aggregator/exposition/openmetrics.h"

#include <gtest/gtest.h>

#include <string>

#include "libmetrics/format/clock.h"
#include "tests/support/families_builder.h"

namespace metrics::exposition {
namespace {

using test::FamiliesBuilder;

std::string encoded(const reader::Families& families, const Options& options = {}) {
  std::string out;
  OpenMetricsEncoder(options).encode(families, out);
  return out;
}

TEST(OpenMetrics, EndsWithEofEvenIfThereIsNothing) {
  EXPECT_EQ(encoded(FamiliesBuilder().build()), "# EOF\n");
}

TEST(OpenMetrics, PrintsEachTypeInItsOwnWords) {
  FamiliesBuilder b;
  b.family(format::Type::kCounter, "tasks", "Tasks.").counter({{"queue", "a"}}, 3, 0.25);
  b.family(format::Type::kGauge, "heat_celsius", "Heat.").gauge({}, -1.5);
  b.family(format::Type::kHistogram, "wait", "Wait.", {0, 1});
  b.series({{"host", "h"}}).whole(1).whole(2).whole(4).real(17.5);
  b.family(format::Type::kSummary, "size", "Size.").series({}).whole(2).real(1e9);
  b.family(format::Type::kInfo, "build", "Build.").info({{"version", "1.0"}});
  b.family(format::Type::kStateSet, "phase", "Phase.").gauge({{"phase", "idle"}}, 0.0);
  b.gauge({{"phase", "busy"}}, 1.0);
  EXPECT_EQ(encoded(b.build()),
            "# HELP tasks Tasks.\n# TYPE tasks counter\ntasks_total{queue=\"a\"} 3.25\n"
            "# HELP heat_celsius Heat.\n# TYPE heat_celsius gauge\nheat_celsius -1.5\n"
            "# HELP wait Wait.\n# TYPE wait histogram\n"
            "wait_bucket{host=\"h\",le=\"0.0\"} 1\n"
            "wait_bucket{host=\"h\",le=\"1.0\"} 3\n"
            "wait_bucket{host=\"h\",le=\"+Inf\"} 7\n"
            "wait_count{host=\"h\"} 7\n"
            "wait_sum{host=\"h\"} 17.5\n"
            "# HELP size Size.\n# TYPE size summary\nsize_count 2\nsize_sum 1e+09\n"
            "# HELP build Build.\n# TYPE build info\nbuild_info{version=\"1.0\"} 1\n"
            "# HELP phase Phase.\n# TYPE phase stateset\nphase{phase=\"idle\"} 0\n"
            "phase{phase=\"busy\"} 1\n"
            "# EOF\n");
}

TEST(OpenMetrics, PrintsAUnitThatEndsTheName) {
  FamiliesBuilder b;
  b.family(format::Type::kCounter, "work_seconds", "Work.");
  b.family(format::Type::kGauge, "heat", "Heat.");
  reader::Families families = b.build();
  families.families[0].unit = "seconds";
  families.families[1].unit = "celsius";  // a forged segment may say so
  EXPECT_EQ(encoded(families),
            "# HELP work_seconds Work.\n# TYPE work_seconds counter\n"
            "# UNIT work_seconds seconds\n"
            "# HELP heat Heat.\n# TYPE heat gauge\n"
            "# EOF\n");
}

TEST(OpenMetrics, EscapesQuotesInHelpToo) {
  FamiliesBuilder b;
  b.family(format::Type::kGauge, "x", "a\\b\nc\"d\"").gauge({{"l", "a\\b\nc\"d\""}}, 1.0);
  EXPECT_EQ(encoded(b.build()),
            "# HELP x a\\\\b\\nc\\\"d\\\"\n# TYPE x gauge\n"
            "x{l=\"a\\\\b\\nc\\\"d\\\"\"} 1\n# EOF\n");
}

// A bound below zero: the specification forbids `_sum` and `_count`, and they must not vanish.
TEST(OpenMetrics, PrintsAHistogramBelowZeroAsAFamilyForEachEnding) {
  FamiliesBuilder b;
  b.family(format::Type::kHistogram, "drift_seconds", "Drift.", {-1, 1});
  b.series({{"at", "x"}}).whole(1).whole(2).whole(4).real(-17.5);
  b.series({}).whole(0).whole(1).whole(0).real(0);
  b.family(format::Type::kGauge, "up", "").gauge({}, 1.0);
  reader::Families families = b.build();
  families.families[0].unit = "seconds";
  EXPECT_EQ(encoded(families),
            "# HELP drift_seconds_bucket Drift.\n# TYPE drift_seconds_bucket unknown\n"
            "drift_seconds_bucket{at=\"x\",le=\"-1.0\"} 1\n"
            "drift_seconds_bucket{at=\"x\",le=\"1.0\"} 3\n"
            "drift_seconds_bucket{at=\"x\",le=\"+Inf\"} 7\n"
            "drift_seconds_bucket{le=\"-1.0\"} 0\n"
            "drift_seconds_bucket{le=\"1.0\"} 1\n"
            "drift_seconds_bucket{le=\"+Inf\"} 1\n"
            "# HELP drift_seconds_count Drift.\n# TYPE drift_seconds_count unknown\n"
            "drift_seconds_count{at=\"x\"} 7\n"
            "drift_seconds_count 1\n"
            "# HELP drift_seconds_sum Drift.\n# TYPE drift_seconds_sum unknown\n"
            "drift_seconds_sum{at=\"x\"} -17.5\n"
            "drift_seconds_sum 0\n"
            "# HELP up \n# TYPE up gauge\nup 1\n"
            "# EOF\n");
}

TEST(OpenMetrics, DividesAHistogramWhereAContinuationOrAnOlderEditionReachesBelowZero) {
  FamiliesBuilder b;
  b.family(format::Type::kHistogram, "x", "", {1}).series({}).whole(1).whole(0).real(1);
  b.family(format::Type::kHistogram, "x", "", {-1}).series({{"s", "2"}}).whole(1).whole(1).real(0);
  b.family(format::Type::kHistogram, "y", "", {1}).series({}).whole(1).whole(0).real(1);
  b.family(format::Type::kHistogram, "z", "", {0}).series({}).whole(1).whole(0).real(1);
  reader::Families families = b.build();
  families.families[1].continues = true;
  families.families[2].reached_below_zero = true;
  EXPECT_EQ(encoded(families),
            "# HELP x_bucket \n# TYPE x_bucket unknown\n"
            "x_bucket{le=\"1.0\"} 1\nx_bucket{le=\"+Inf\"} 1\n"
            "x_bucket{s=\"2\",le=\"-1.0\"} 1\nx_bucket{s=\"2\",le=\"+Inf\"} 2\n"
            "# HELP x_count \n# TYPE x_count unknown\nx_count 1\nx_count{s=\"2\"} 2\n"
            "# HELP x_sum \n# TYPE x_sum unknown\nx_sum 1\nx_sum{s=\"2\"} 0\n"
            "# HELP y_bucket \n# TYPE y_bucket unknown\n"
            "y_bucket{le=\"1.0\"} 1\ny_bucket{le=\"+Inf\"} 1\n"
            "# HELP y_count \n# TYPE y_count unknown\ny_count 1\n"
            "# HELP y_sum \n# TYPE y_sum unknown\ny_sum 1\n"
            "# HELP z \n# TYPE z histogram\n"
            "z_bucket{le=\"0.0\"} 1\nz_bucket{le=\"+Inf\"} 1\nz_count 1\nz_sum 1\n"
            "# EOF\n");
}

reader::Families created(std::uint64_t created_ns) {
  FamiliesBuilder b;
  b.family(format::Type::kCounter, "c", "").counter({{"l", "v"}}, 1);
  b.family(format::Type::kHistogram, "h", "").series({}).whole(2).real(1);
  b.family(format::Type::kSummary, "s", "").series({}).whole(2).real(1);
  b.family(format::Type::kGauge, "g", "").gauge({}, 1.0);
  b.family(format::Type::kHistogram, "n", "", {-1}).series({}).whole(2).whole(0).real(1);
  reader::Families families = b.build();
  for (reader::Family& f : families.families) f.series.change(0).created_ns = created_ns;
  return families;
}

TEST(OpenMetrics, PrintsWhenSeriesThatCountWereCreatedOnlyOnRequest) {
  const reader::Families families = created(1'520'430'000'012'000'000);
  EXPECT_EQ(encoded(families).find("_created"), std::string::npos);
  EXPECT_EQ(encoded(families, {.created_lines = true}),
            "# HELP c \n# TYPE c counter\nc_total{l=\"v\"} 1\n"
            "c_created{l=\"v\"} 1520430000.012\n"
            "# HELP h \n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_count 2\nh_sum 1\n"
            "h_created 1520430000.012\n"
            "# HELP s \n# TYPE s summary\ns_count 2\ns_sum 1\ns_created 1520430000.012\n"
            "# HELP g \n# TYPE g gauge\ng 1\n"
            "# HELP n_bucket \n# TYPE n_bucket unknown\n"
            "n_bucket{le=\"-1.0\"} 2\nn_bucket{le=\"+Inf\"} 2\n"
            "# HELP n_count \n# TYPE n_count unknown\nn_count 2\n"
            "# HELP n_sum \n# TYPE n_sum unknown\nn_sum 1\n"
            "# EOF\n");
  EXPECT_EQ(encoded(created(0), {.created_lines = true}).find("_created"), std::string::npos);
}

TEST(OpenMetrics, NeverClaimsACreationInTheFuture) {
  const std::uint64_t now = format::now_ns();
  const std::string text = encoded(created(now + 3'600'000'000'000), {.created_lines = true});
  const std::string name = "\nh_created ";
  const double shown = std::stod(text.substr(text.find(name) + name.size()));
  EXPECT_LT(shown, static_cast<double>(now) / 1e9 + 600);
  EXPECT_GE(shown, static_cast<double>(now) / 1e9 - 1);
}

TEST(OpenMetrics, PrintsTheNewestExemplarBesideTheCounterAndEachBucket) {
  FamiliesBuilder b;
  b.family(format::Type::kCounter, "tasks", "").counter({}, 3);
  b.exemplar(1, 1'500'000'000, {{"trace_id", "a\"\\\n"}, {"n", "1"}}).counter({{"x", "y"}}, 2);
  b.family(format::Type::kHistogram, "wait", "", {0, 1}).series({});
  b.whole(1).whole(2).whole(4).real(17.5);
  b.exemplar(-2, 5'000'000'000, {{"t", "below"}});
  b.exemplar(0.5, 2'000'000'000, {{"t", "old"}}).exemplar(1, 3'000'000'000, {{"t", "new"}});
  b.exemplar(7, 4'000'000'000, {});
  const reader::Families families = b.build();
  const std::string expected =
      "# HELP tasks \n# TYPE tasks counter\n"
      "tasks_total 3 # {trace_id=\"a\\\"\\\\\\n\",n=\"1\"} 1 1.5\n"
      "tasks_total{x=\"y\"} 2\n"
      "# HELP wait \n# TYPE wait histogram\n"
      "wait_bucket{le=\"0.0\"} 1 # {t=\"below\"} -2 5.0\n"
      "wait_bucket{le=\"1.0\"} 3 # {t=\"new\"} 1 3.0\n"
      "wait_bucket{le=\"+Inf\"} 7 # {} 7 4.0\n"
      "wait_count 7\nwait_sum 17.5\n"
      "# EOF\n";
  EXPECT_EQ(encoded(families), expected);
  OpenMetricsEncoder kept;
  std::string out;
  kept.replace(families, out);
  auto later = families;
  for (auto& of_series : later.exemplars) of_series.clear();
  kept.replace(later, out);
  EXPECT_EQ(out.find('{', out.find("tasks_total 3")), out.find("{x=")) << "one that is gone";
  kept.replace(families, out);
  EXPECT_EQ(out, expected);
}

TEST(OpenMetrics, LeavesExemplarsOutOfWhatIsWrittenAsUnknown) {
  FamiliesBuilder b;
  b.family(format::Type::kHistogram, "heat", "", {-1, 1}).series({});
  b.whole(1).whole(2).whole(4).real(17.5);
  b.exemplar(0, 5'000'000'000, {{"t", "x"}});
  EXPECT_EQ(encoded(b.build()).find(" # {"), std::string::npos);
}

}  // namespace
}  // namespace metrics::exposition
