// A definition may change: what each release of a program has counted under a name is one family.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "libmetrics/reader/dropped.h"
#include "libmetrics/reader/identity.h"
#include "libmetrics/reader/merge.h"
#include "tests/support/gate.h"
#include "tests/support/living.h"
#include "tests/support/options.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

// Every sample of a segment: `name{labels}` and its value. Buckets are cumulated.
std::map<std::string, double> samples(const std::string& file) {
  reader::SegmentMerge merge(file);
  EXPECT_TRUE(merge.read()) << merge.why();
  EXPECT_EQ(merge.reader().catalogue()->faults, std::vector<std::string>());
  std::map<std::string, double> all;
  const reader::Families& families = merge.families();
  for (const auto& f : families.families) {
    for (const auto& s : f.series) {
      const auto put = [&](const std::string& ending, std::vector<reader::Label> labels,
                           double value) {
        EXPECT_TRUE(all.emplace(f.name + ending + reader::identity_of(labels), value).second)
            << f.name << ending << " is there twice with the same labels";
      };
      switch (format::values_of(f.type)) {
        case format::Values::kWholeAndFraction: {
          const auto [whole, fraction] = families.counter(s);
          put("_total", s.labels, static_cast<double>(whole) + fraction);
          break;
        }
        case format::Values::kGauge:
        case format::Values::kState:
          put("", s.labels, families.gauge(s));
          break;
        case format::Values::kInfo:
          put("_info", s.labels, 1);
          break;
        case format::Values::kCounts: {
          double below = 0;
          const auto buckets = families.buckets(f, s);
          for (std::size_t i = 0; i < buckets.size(); ++i) {
            below += static_cast<double>(buckets[i]);
            std::vector<reader::Label> labels = s.labels;
            labels.push_back(
                {"le", i < f.bounds.size() ? std::to_string(f.bounds[i]) : std::string("+Inf")});
            put("_bucket", labels, below);
          }
          put("_count", s.labels, below);
          put("_sum", s.labels, families.sum(f, s));
        }
      }
    }
  }
  return all;
}

const reader::Family* family_of(const reader::Families& all, const std::string& name) {
  const auto f = std::ranges::find(all.families, name, &reader::Family::name);
  return f == all.families.end() ? nullptr : &*f;
}

TEST(Editions, OfOtherBoundsAreOneHistogramWithTheBoundsOfTheLast) {
  TempSegment t;
  started([&] {
    Histogram h = t.histogram("times", {1, 2, 4});
    for (const double v : {0.5, 1.5, 3.0, 9.0}) h.observe(v);
  });
  started([&] { t.histogram("times", {0.5, 2, 3}).observe(0.25); });
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.family_count(), 1u);
  // What was counted up to 1 is shown at 2; what was counted up to 4, beyond 3.
  EXPECT_EQ(scrape.buckets("times"), (std::vector<std::uint64_t>{1, 2, 0, 2}));
  EXPECT_EQ(scrape.count("times"), 5u);
  EXPECT_EQ(scrape.sum("times"), 14.25);
}

TEST(Editions, OfASummaryAndAHistogramAreOneOfTheLastOnesType) {
  TempSegment t;
  const auto histogram = [&] { t.histogram("times", {1, 2}).observe(1.5); };
  const auto summary = [&] { Family<Summary>("times", "", {}, t.options()).labels().observe(7); };
  started(histogram);
  started(summary);
  Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.families().families.front().type, format::Type::kSummary);
  EXPECT_EQ(scrape.count("times"), 2u);
  EXPECT_EQ(scrape.sum("times"), 8.5);
  started(histogram);
  scrape = t.scrape();
  EXPECT_EQ(scrape.families().families.front().type, format::Type::kHistogram);
  EXPECT_EQ(scrape.buckets("times"), (std::vector<std::uint64_t>{0, 2, 1}));
}

TEST(Editions, OfOtherLabelNamesAreServedBesideEachOther) {
  TempSegment t;
  const auto count = [&](const LabelNames& names, const std::vector<std::string>& values,
                         std::uint64_t n) {
    started([&] {
      const Family<Counter> tasks("tasks", "", names, t.options());
      (values.size() == 1 ? tasks.labels(values[0]) : tasks.labels(values[0], values[1])).inc(n);
    });
  };
  count({"type"}, {"a"}, 1);
  count({"type", "zone"}, {"a", "x"}, 10);
  // Labels have no order, and an empty value is the same as no label.
  count({"zone", "type"}, {"x", "a"}, 100);
  count({"type", "zone"}, {"a", ""}, 1000);
  EXPECT_EQ(samples(t.file()), (std::map<std::string, double>{{"tasks_total"
                                                               "type\xff"
                                                               "a\xff",
                                                               1001},
                                                              {"tasks_total"
                                                               "type\xff"
                                                               "a\xff"
                                                               "zone\xff"
                                                               "x\xff",
                                                               110}}));
  EXPECT_EQ(t.scrape().family_count(), 1u);
}

TEST(Editions, OfCountersAreAddedWholeAndFraction) {
  TempSegment t;
  started([&] {
    Counter c = t.counter("busy_seconds");
    c.inc(3);
    c.inc(0.25);
  });
  started([&] {
    Family<Counter>("busy_seconds", "", {}, {.unit = "seconds", .segment = t.segment()})
        .labels()
        .inc(0.5);
  });
  EXPECT_EQ(samples(t.file()), (std::map<std::string, double>{{"busy_seconds_total", 3.75}}));
  EXPECT_EQ(t.scrape().families().families.front().unit, "seconds");
}

TEST(Editions, HelpIsTheLastOnes) {
  TempSegment t;
  started([&] { Family<Counter>("tasks", "Old.", {"a"}, t.options()).labels("1").inc(); });
  started([&] { Family<Counter>("tasks", "New.", {"b"}, t.options()).labels("1").inc(); });
  EXPECT_EQ(t.scrape().families().families.front().help, "New.");
}

// The last edition is that of the process that has started last, of those that define it.
TEST(Editions, TheLastIsThatOfTheProcessThatHasStartedLast) {
  TempSegment t;
  const auto shown = [&] { return family_of(t.scrape().families(), "times")->bounds; };
  Gate go, done, end;
  const pid_t old = forked([&] {
    t.counter("alive").inc();  // its first call: it has started
    done.let_pass();
    go.pass();
    t.histogram("times", {1}).observe(0);  // it comes to a rare code path, hours later
    done.let_pass();
    end.pass();
  });
  done.pass();
  started([&] { t.histogram("times", {2}).observe(0); });
  EXPECT_EQ(shown(), std::vector<double>{2});
  go.let_pass();
  done.pass();
  EXPECT_EQ(shown(), std::vector<double>{2});
  end.let_pass();
  EXPECT_EQ(ended(old), 0);
}

TEST(Editions, AForkedChildThatDefinesNothingChangesNothing) {
  TempSegment t;
  Living master([&] {
    Histogram inherited = t.histogram("times", {1});
    started([&] {
      Histogram h = t.histogram("times", {2});
      h.observe(0);
    });
    ASSERT_EQ(ended(forked([&] { inherited.observe(0); })), 0);
  });
  EXPECT_EQ(t.scrape().families().families.front().bounds, std::vector<double>{2});
  EXPECT_EQ(t.scrape().count("times"), 2u);
  master.end();
}

TEST(Editions, ARollbackOpensItsEditionAgainAndCountsOn) {
  TempSegment t;
  const auto release = [&](double bound) {
    started([&] { t.histogram("times", {bound}).observe(bound); });
    const Scrape scrape = t.scrape();
    EXPECT_EQ(scrape.families().families.front().bounds, std::vector<double>{bound});
    return scrape.count("times");
  };
  EXPECT_EQ(release(1), 1u);
  EXPECT_EQ(release(2), 2u);
  EXPECT_EQ(release(1), 3u);
  reader::Reader reader(t.file());
  ASSERT_TRUE(reader.look());
  EXPECT_EQ(reader.catalogue()->contents.families.size(), 2u);
}

TEST(Editions, OtherBoundsInOneProcessAreNoConflict) {
  TempSegment t;
  t.histogram("times", {1}).observe(0);
  t.histogram("times", {2}).observe(0);
  EXPECT_EQ(t.scrape().count("times"), 2u);
  EXPECT_EQ(t.scrape().families().families.front().bounds, std::vector<double>{2});
}

TEST(Editions, WhatIsGivenUpAndDefinedAgainIsTheNewest) {
  TempSegment t;
  const auto bounds = [&] { return t.scrape().families().families.front().bounds; };
  const auto define = [&](double bound) {
    metrics_family* family = nullptr;
    EXPECT_EQ(metrics_family_of(t.segment().get(), METRICS_HISTOGRAM, "times", "", nullptr, 0,
                                Options().bounds({bound}).get(), &family),
              METRICS_OK);
    return family;
  };
  metrics_family* one = define(1);
  define(2);
  EXPECT_EQ(define(1), one);
  EXPECT_EQ(bounds(), std::vector<double>{2});
  EXPECT_EQ(metrics_family_give_up(one), METRICS_OK);
  EXPECT_EQ(metrics_family_give_up(one), METRICS_OK);
  define(1);
  EXPECT_EQ(bounds(), std::vector<double>{1});
  EXPECT_EQ(metrics_family_give_up(nullptr), METRICS_INVALID);
}

TEST(Editions, ACollidingFamilyMayBeDefinedOnceTheOtherIsGivenUp) {
  TempSegment t;
  const auto define = [&](metrics_type type, metrics_family** family) {
    return metrics_family_of(t.segment().get(), type, "x", "", nullptr, 0, nullptr, family);
  };
  metrics_family* counter = nullptr;
  metrics_family* gauge = nullptr;
  ASSERT_EQ(define(METRICS_COUNTER, &counter), METRICS_OK);
  EXPECT_EQ(define(METRICS_GAUGE, &gauge), METRICS_CONFLICT);
  EXPECT_EQ(metrics_family_status(gauge), METRICS_CONFLICT);
  ASSERT_EQ(metrics_family_give_up(counter), METRICS_OK);
  EXPECT_EQ(define(METRICS_GAUGE, &gauge), METRICS_OK);
  EXPECT_EQ(metrics_family_status(gauge), METRICS_OK);
  EXPECT_EQ(metrics_family_status(counter), METRICS_CONFLICT);
  EXPECT_NE(std::string(metrics_last_error()).find("is counted but not served: the gauge \"x\""),
            std::string::npos)
      << metrics_last_error();
}

TEST(Editions, OfGaugesTheLastOnesModeDecidesAndOfOthersOnlyTheLivingCount) {
  TempSegment t;
  Living old([&] { t.gauge("size", Mode::kMax).set(5); });
  started([&] { t.gauge("size", Mode::kMax).set(50); });
  EXPECT_EQ(t.scrape().gauge("size"), 50);
  Living young([&] { t.gauge("size", Mode::kSum).set(3); });
  EXPECT_EQ(t.scrape().gauge("size"), 8);
  young.end();
  EXPECT_EQ(t.scrape().gauge("size"), 8);  // the dead's share of the last edition stays
  old.end();
  EXPECT_EQ(t.scrape().gauge("size"), 3);
}

TEST(Editions, OfOneProcesssGaugesTheLastEditionsIsShown) {
  TempSegment t;
  Living both([&] {
    Family<Gauge>("size", "", {}, {.mode = Mode::kAll, .segment = t.segment()}).labels().set(1);
    Family<Gauge>("size", "", {}, {.mode = Mode::kLiveAll, .segment = t.segment()}).labels().set(2);
  });
  EXPECT_EQ(t.scrape().by_pid("size"),
            (std::map<std::string, double>{{std::to_string(both.pid()), 2}}));
  both.end();
}

TEST(Editions, WhatCollidesIsHiddenWhileTheOtherIsServedAndCountsOn) {
  TempSegment t;
  const auto counts = [&] { Family<Counter>("x", "", {}, t.options()).labels().inc(); };
  const auto sets = [&] { t.gauge("x", Mode::kSum).set(7); };
  Living counter(counts);
  EXPECT_EQ(samples(t.file()), (std::map<std::string, double>{{"x_total", 1}}));
  Living gauge([&] {
    sets();
    const Family<Gauge> x("x", "", {}, {.mode = Mode::kSum, .segment = t.segment()});
    EXPECT_EQ(x.status(), METRICS_OK) << x.why();
  });
  EXPECT_EQ(samples(t.file()), (std::map<std::string, double>{{"x", 7}}));
  Living again([&] {
    counts();
    const Family<Counter> x("x", "", {}, t.options());
    EXPECT_EQ(x.status(), METRICS_OK) << x.why();
  });
  EXPECT_EQ(samples(t.file()), (std::map<std::string, double>{{"x_total", 2}}));
  EXPECT_EQ(t.scrape().dropped(format::Drop::kFamilyConflict), 0u);
  counter.end();
  gauge.end();
  again.end();
}

// A counter `x_count` and a histogram `x` share a sample name; a gauge `x_sum_count` shares none.
TEST(Editions, WhatCollidesWhereNamesAreEscapedYieldsToTheOneThatWasOpenedLast) {
  TempSegment t;
  const auto gauge = [&](const std::string& name) {
    started([&] { t.gauge(name, Mode::kSum).set(1); });
  };
  reader::SegmentMerge merge(t.file());
  const auto yields = [&](const std::string& name) {
    EXPECT_TRUE(merge.read()) << merge.why();
    return family_of(merge.families(), name)->yields;
  };
  gauge("a.b");
  gauge("a_b");
  gauge("a_c");
  EXPECT_TRUE(yields("a.b"));
  EXPECT_FALSE(yields("a_b") || yields("a_c"));
  const auto hidden = reader::hidden_families(*merge.reader().catalogue());
  ASSERT_EQ(hidden.size(), 1u);
  EXPECT_EQ(hidden[0].family->name, "a.b");
  EXPECT_EQ(hidden[0].served->name, "a_b");
  EXPECT_TRUE(hidden[0].where_escaped);
  // Only FamilyRecord::opened changes.
  gauge("a.b");
  EXPECT_TRUE(yields("a_b"));
  EXPECT_FALSE(yields("a.b") || yields("a_c"));
  // A sample's name is enough.
  started([&] { Family<Summary>("a", "", {}, t.options()).labels().observe(1); });
  gauge("a.sum");
  EXPECT_TRUE(yields("a"));
}

TEST(Editions, HidingIsOfSampleNamesNotOfStems) {
  TempSegment t;
  started([&] { t.histogram("x", {1}).observe(0); });
  started([&] { t.gauge("x_sum_count", Mode::kSum).set(1); });
  EXPECT_EQ(t.scrape().family_count(), 2u);
  started([&] { Family<Counter>("x_count", "", {}, t.options()).labels().inc(); });
  EXPECT_EQ(samples(t.file()),
            (std::map<std::string, double>{{"x_count_total", 1}, {"x_sum_count", 1}}));
}

// Labels that a type or mode adds to samples may have been an older edition's own.
TEST(Editions, ALabelThatTheLastOnesModeOrTypeAddsIsMovedAside) {
  TempSegment t;
  Living old([&] {
    Family<Gauge>("size", "", {"pid"}, {.mode = Mode::kLiveSum, .segment = t.segment()})
        .labels("a")
        .set(1);
    Family<Histogram>("times", "", {"quantile"}, {.bounds = {1}, .segment = t.segment()})
        .labels("b")
        .observe(1);
  });
  started([&] {
    const Family<Gauge> made("size", "", {}, {.mode = Mode::kAll, .segment = t.segment()});
    const Family<Summary> other("times", "", {}, t.options());
  });
  const Scrape scrape = t.scrape();
  using Labels = std::vector<reader::Label>;
  EXPECT_EQ(family_of(scrape.families(), "size")->series.at(0).labels,
            (Labels{{"exported_pid", "a"}, {"pid", std::to_string(old.pid())}}));
  EXPECT_EQ(family_of(scrape.families(), "times")->series.at(0).labels,
            (Labels{{"exported_quantile", "b"}}));
  old.end();
}

// A sum over no processes is 0, but only in the label sets of the last edition.
TEST(Editions, ALabelSetOfAnOlderGaugeIsGoneWithItsProcesses) {
  TempSegment t;
  const auto set = [&](const char* label) {
    Family<Gauge>("size", "", {label}, {.mode = Mode::kLiveSum, .segment = t.segment()})
        .labels("x")
        .set(1);
  };
  Living old([&] { set("old"); });
  started([&] { set("young"); });
  EXPECT_EQ(samples(t.file()), (std::map<std::string, double>{{"sizeold\xff"
                                                               "x\xff",
                                                               1},
                                                              {"sizeyoung\xff"
                                                               "x\xff",
                                                               0}}));
  old.end();
  EXPECT_EQ(samples(t.file()), (std::map<std::string, double>{{"sizeyoung\xff"
                                                               "x\xff",
                                                               0}}));
}

TEST(Editions, ADefinitionThatIsRefusedLeavesItsHandlesAsTheyWere) {
  TempSegment t;
  metrics_family* family = nullptr;
  const auto define = [&](metrics_type type) {
    return metrics_family_of(t.segment().get(), type, "x", "", nullptr, 0, nullptr, &family);
  };
  ASSERT_EQ(define(METRICS_COUNTER), METRICS_OK);
  metrics_family* const counter = family;
  ASSERT_EQ(metrics_family_give_up(counter), METRICS_OK);
  ASSERT_EQ(define(METRICS_GAUGE), METRICS_OK);
  ASSERT_EQ(define(METRICS_COUNTER), METRICS_CONFLICT);
  metrics_counter* handle = nullptr;
  EXPECT_EQ(metrics_counter_labels(counter, nullptr, 0, &handle), METRICS_OK);
  metrics_counter_inc(handle, 1);
  EXPECT_EQ(metrics_clear(counter), METRICS_OK);
  EXPECT_EQ(metrics_counter_labels(counter, nullptr, 0, &handle), METRICS_OK);
  EXPECT_EQ(metrics_family_status(counter), METRICS_CONFLICT);
}

TEST(Editions, RemovalIsOfWhatShowsUnderTheLabelsInAllOfThem) {
  TempSegment t;
  started([&] { Family<Counter>("tasks", "", {"type"}, t.options()).labels("a").inc(); });
  started([&] {
    const Family<Counter> tasks("tasks", "", {"zone", "type"}, t.options());
    tasks.labels("", "a").inc(10);
    tasks.labels("x", "a").inc(100);
    Family<Counter>(tasks).remove({"", "a"});
  });
  EXPECT_EQ(samples(t.file()), (std::map<std::string, double>{{"tasks_total"
                                                               "type\xff"
                                                               "a\xff"
                                                               "zone\xff"
                                                               "x\xff",
                                                               100}}));
  started([&] { Family<Counter>("tasks", "", {"type"}, t.options()).clear(); });
  EXPECT_EQ(samples(t.file()), (std::map<std::string, double>()));
}

TEST(Editions, OfOneStemThereAreAtMost64) {
  TempSegment t({64, 64, 4096, 256 * 1024});
  metrics_family* family = nullptr;
  const auto define = [&](double bound) {
    return metrics_family_of(t.segment().get(), METRICS_HISTOGRAM, "times", "", nullptr, 0,
                             Options().bounds({bound}).get(), &family);
  };
  for (unsigned i = 0; i < format::kMaxEditions; ++i) ASSERT_EQ(define(i), METRICS_OK);
  EXPECT_EQ(define(1000), METRICS_FULL);
  EXPECT_NE(std::string(metrics_last_error()).find("has 64 definitions"), std::string::npos);
  EXPECT_EQ(metrics_family_status(family), METRICS_FULL);
  EXPECT_EQ(define(7), METRICS_OK);
  EXPECT_EQ(metrics_family_of(t.segment().get(), METRICS_COUNTER, "times_created_sum", "", nullptr,
                              0, nullptr, &family),
            METRICS_FULL);  // another name, of the same stem
  EXPECT_EQ(t.scrape().dropped(format::Drop::kEditionsFull), 2u);
}

// Each process that starts opens the editions of its families, and must not have the reader parse
// the directory anew.
TEST(Editions, AProcessThatStartsLeavesTheCatalogueAsItIs) {
  TempSegment t;
  const auto program = [&] {
    t.histogram("times", {1}).observe(0);
    t.counter("tasks").inc();
  };
  started(program);
  for (const reader::Access access : {reader::Access::kCopied, reader::Access::kMapped}) {
    reader::Reader reader(t.file(), access);
    ASSERT_TRUE(reader.look());
    const auto before = reader.catalogue();
    started(program);
    ASSERT_TRUE(reader.look());
    EXPECT_EQ(reader.catalogue(), before);
    const char* another = access == reader::Access::kCopied ? "one" : "another";
    started([&] { t.counter(another).inc(); });
    ASSERT_TRUE(reader.look());
    EXPECT_NE(reader.catalogue(), before);
  }
}

TEST(Editions, AReaderSeesThatAnotherOneBecameTheLast) {
  TempSegment t;
  const auto release = [&](double bound) {
    started([&] { t.histogram("times", {bound}).observe(0); });
  };
  release(1);
  release(2);
  reader::SegmentMerge merge(t.file(), reader::Access::kMapped);
  const auto bounds = [&] {
    EXPECT_TRUE(merge.read()) << merge.why();
    return family_of(merge.families(), "times")->bounds;
  };
  EXPECT_EQ(bounds(), std::vector<double>{2});
  const auto before = merge.reader().catalogue();
  release(2);
  EXPECT_EQ(bounds(), std::vector<double>{2});
  EXPECT_EQ(merge.reader().catalogue(), before);
  release(1);
  EXPECT_EQ(bounds(), std::vector<double>{1});
}

// Random editions of one histogram, counter and summary, counted in and opened in random order:
// after each step no sample is lower than before, and counts and sums are those of all editions.
TEST(Editions, OfAnyKindAndInAnyOrderNeverLowerASample) {
  for (unsigned seed = 0; seed < 4; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
    TempSegment t({64, 64, 16 * 1024, 256 * 1024});
    const std::vector<std::string> names = {"a", "b", "c"};
    std::map<std::string, double> shown;
    std::uint64_t observed = 0;
    double sum = 0;
    for (unsigned step = 0; step < 40; ++step) {
      LabelNames labels;
      std::vector<std::string> values;
      for (const std::string& name : names) {
        if (below(2) == 0) continue;
        labels.push_back(name);
        values.push_back(below(3) == 0 ? "" : std::string(1, static_cast<char>('x' + below(2))));
      }
      if (below(2) == 0) {
        std::ranges::reverse(labels);
        std::ranges::reverse(values);
      }
      std::vector<double> bounds;
      for (unsigned b = 1; b < 8; ++b) {
        if (below(2) == 0) bounds.push_back(b);
      }
      const bool is_summary = below(6) == 0;
      const bool has_native = below(3) == 0;
      metrics_native native{};
      native.size = sizeof native;
      native.factor = below(2) == 0 ? 2 : 1.3;
      native.min = below(2) == 0 ? 0.25 : 1;
      native.max = below(2) == 0 ? 4 : 16;
      native.negative = below(4) == 0 ? 1 : 0;
      const unsigned n = below(4);
      std::vector<double> amounts;
      for (unsigned i = 0; i < n; ++i) amounts.push_back(below(900) / 100.0);
      observed += n;
      for (const double amount : amounts) sum += amount;
      started([&] {
        std::vector<const char*> names_in_c, values_in_c;
        for (std::size_t i = 0; i < labels.size(); ++i) {
          names_in_c.push_back(labels[i].c_str());
          values_in_c.push_back(values[i].c_str());
        }
        metrics_family* family = nullptr;
        Options options;
        if (!is_summary) options.bounds(bounds);
        if (!is_summary && has_native) options.native(native);
        ASSERT_EQ(metrics_family_of(t.segment().get(),
                                    is_summary ? METRICS_SUMMARY : METRICS_HISTOGRAM, "times", "",
                                    names_in_c.data(), labels.size(), options.get(), &family),
                  METRICS_OK)
            << metrics_last_error();
        metrics_histogram* times = nullptr;
        ASSERT_EQ(metrics_histogram_labels(family, values_in_c.data(), values.size(), &times),
                  METRICS_OK);
        ASSERT_EQ(metrics_family_of(t.segment().get(), METRICS_COUNTER, "tasks", "",
                                    names_in_c.data(), labels.size(), nullptr, &family),
                  METRICS_OK);
        metrics_counter* tasks = nullptr;
        ASSERT_EQ(metrics_counter_labels(family, values_in_c.data(), values.size(), &tasks),
                  METRICS_OK);
        for (const double amount : amounts) {
          metrics_histogram_observe(times, amount);
          metrics_counter_inc(tasks, 1);
        }
      });
      const auto now = samples(t.file());
      double counts = 0, sums = 0, tasks = 0;
      for (const auto& [sample, value] : now) {
        if (sample.starts_with("times_count")) counts += value;
        if (sample.starts_with("times_sum")) sums += value;
        if (sample.starts_with("tasks_total")) tasks += value;
      }
      EXPECT_EQ(counts, static_cast<double>(observed));
      EXPECT_NEAR(sums, sum, 1e-6);
      EXPECT_EQ(tasks, static_cast<double>(observed));
      for (const auto& [sample, value] : shown) {
        const auto there = now.find(sample);
        if (there == now.end()) {
          EXPECT_NE(sample.find("le\xff"), std::string::npos) << sample << " has gone";
        } else {
          EXPECT_GE(there->second, value) << sample;
        }
      }
      // A bound that is not shown for a while must not have gone down when it is shown again.
      for (const auto& [sample, value] : now) shown[sample] = std::max(shown[sample], value);
      ASSERT_FALSE(HasFailure()) << "seed " << seed << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace metrics::test
