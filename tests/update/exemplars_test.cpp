// An exemplar is shown whole or not at all: of the right series, in the bucket of its value, and
// whatever happens to it, what was counted beside it stays.
#include "libmetrics/update/exemplars.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "libmetrics/format/clock.h"
#include "libmetrics/format/exemplar.h"
#include "libmetrics/reader/merge.h"
#include "tests/support/patch.h"
#include "tests/support/shared_memory.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

using Exemplars = std::vector<reader::Exemplar>;

// Returns the exemplars of the series of that family with that first label value.
Exemplars shown(const std::string& file, const std::string& family, const std::string& label = "") {
  reader::SegmentMerge merge(file);
  EXPECT_TRUE(merge.read() && merge.read_exemplars()) << merge.why();
  for (const reader::Family& f : merge.families().families) {
    if (f.name != family) continue;
    for (const reader::Series& s : f.series) {
      if (!s.labels.empty() && s.labels[0].value != label) continue;
      const auto all = merge.families().exemplars_of(s);
      return {all.begin(), all.end()};
    }
  }
  ADD_FAILURE() << "no " << family << '{' << label << '}';
  return {};
}

std::vector<std::string> traces(const Exemplars& exemplars) {
  std::vector<std::string> ids;
  for (const auto& e : exemplars) ids.push_back(e.labels.empty() ? "" : e.labels[0].value);
  return ids;
}

Family<Histogram> durations(const TempSegment& t, const std::string& name = "durations") {
  return {name, "", {"path"}, {.bounds = {1, 10}, .segment = t.segment(), .exemplars = true}};
}
Family<Counter> errors(const TempSegment& t, bool exemplars = true) {
  return {"errors", "", {}, {.segment = t.segment(), .exemplars = exemplars}};
}

// The place of a bucket, in the first slot that was claimed.
struct FirstSlot {
  FirstSlot(const std::string& file, const std::string& family, const std::string& label = "")
      : patch(file), series(patch.series(family, label)) {}
  std::uint64_t* words(std::uint32_t place) {
    const std::uint64_t offset = series.first_place - series.first_cell;
    return reinterpret_cast<std::uint64_t*>(patch.cells(1, series) + offset) +
           place * format::kPlaceCells;
  }
  std::vector<std::uint64_t> copy(std::uint32_t place) {
    return {words(place), words(place) + format::kPlaceCells};
  }
  void put(std::uint32_t place, const std::vector<std::uint64_t>& from) {
    std::copy(from.begin(), from.end(), words(place));
  }
  Patch patch;
  format::SeriesRecord& series;
};

TEST(Exemplars, EachBucketShowsItsNewest) {
  TempSegment t;
  const auto before = format::now_ns();
  const Histogram h = durations(t).labels("/");
  h.observe(0.5, {{"trace_id", "first"}});
  h.observe(0.25, {{"trace_id", "second"}});
  h.observe(5, {{"trace_id", std::string("third")}, {"span_id", "\xc3\xa9"}});
  h.observe(50);
  const Exemplars all = shown(t.file(), "durations", "/");
  ASSERT_EQ(traces(all), (std::vector<std::string>{"second", "third"}));
  EXPECT_EQ(all[0].value, 0.25);
  EXPECT_EQ(all[1].value, 5);
  EXPECT_EQ(all[1].labels,
            (std::vector<reader::Label>{{"trace_id", "third"}, {"span_id", "\xc3\xa9"}}));
  EXPECT_TRUE(before <= all[0].stamp_ns && all[0].stamp_ns <= all[1].stamp_ns);
  EXPECT_LE(all[1].stamp_ns, format::now_ns());
  EXPECT_EQ(t.scrape().count("durations", {"/"}), 4u);
}

TEST(Exemplars, ACounterShowsTheNewest) {
  TempSegment t;
  errors(t).inc(2, {{"trace_id", "a"}});
  errors(t).inc(0.5, {{"trace_id", "b"}});
  errors(t).inc(-1, {{"trace_id", "refused"}});
  const Exemplars all = shown(t.file(), "errors");
  ASSERT_EQ(traces(all), std::vector<std::string>{"b"});
  EXPECT_EQ(all[0].value, 0.5);
  EXPECT_EQ(t.scrape().sum("errors") + static_cast<double>(t.scraped("errors")), 2.5);
}

TEST(Exemplars, ATimerKeepsWhatItHasObserved) {
  TempSegment t;
  auto timer = durations(t).labels("/").time();
  const double seconds = timer.stop({{"trace_id", "a"}});
  const Exemplars all = shown(t.file(), "durations", "/");
  ASSERT_EQ(traces(all), std::vector<std::string>{"a"});
  EXPECT_EQ(all[0].value, seconds);
  EXPECT_EQ(t.scrape().count("durations", {"/"}), 1u);
}

TEST(Exemplars, ANativeHistogramHasOneForEachPowerOfTwo) {
  TempSegment t({4, 4, 4096, 64 * 1024});
  const Family<Histogram> h("native", "", {},
                            {.bounds = Bounds({}),
                             .segment = t.segment(),
                             .native = Native{.min = 1, .max = 1024},
                             .exemplars = true});
  for (const double value : {1.25, 1.5, 3.0, 6.0, 200.0}) {
    h.observe(value, {{"value", std::to_string(value)}});
  }
  const Exemplars all = shown(t.file(), "native");
  std::vector<double> values;
  for (const auto& e : all) {
    values.push_back(e.value);
    EXPECT_EQ(e.labels.at(0).value, std::to_string(e.value));
  }
  EXPECT_EQ(values, (std::vector<double>{1.5, 3, 6, 200}));
}

TEST(Exemplars, OneWithoutLabelsIsOne) {
  TempSegment t;
  errors(t).inc(1, {});
  EXPECT_EQ(shown(t.file(), "errors").size(), 1u);
}

TEST(Exemplars, ThoseOfTheDeadAndOfOtherProcessesAreShown) {
  TempSegment t;
  const Histogram h = durations(t).labels("/");
  h.observe(0.5, {{"trace_id", "parent, older"}});
  h.observe(5, {{"trace_id", "parent"}});
  const pid_t child = forked([&] {
    h.observe(0.5, {{"trace_id", "child"}});
    h.observe(50, {{"trace_id", "child"}});
    ::raise(SIGKILL);
  });
  EXPECT_EQ(ended(child), 128 + SIGKILL);
  EXPECT_EQ(traces(shown(t.file(), "durations", "/")),
            (std::vector<std::string>{"child", "parent", "child"}));
}

TEST(Exemplars, APlaceProvesNothingAboutTheBucket) {
  TempSegment t;
  const auto h = Family<Histogram>(
      "many", "", {},
      {.bounds = Bounds::linear(1, 1, 40), .segment = t.segment(), .exemplars = true});
  h.observe(1, {{"trace_id", "a"}});
  h.observe(20, {{"trace_id", "b"}});
  h.observe(33, {{"trace_id", "c"}});  // its bucket has the place of 1's
  const Exemplars all = shown(t.file(), "many");
  EXPECT_EQ(traces(all), (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(all.back().value, 33);
}

// ---- what is dropped ----

TEST(Exemplars, LabelsOf128BytesFitAnd129DoNot) {
  TempSegment t;
  const auto h = durations(t).labels("/");
  const std::string value(128 - std::string("trace_id").size(), 'x');
  h.observe(0.5, {{"trace_id", value}});
  EXPECT_EQ(traces(shown(t.file(), "durations", "/")), std::vector<std::string>{value});
  h.observe(5, {{"trace_id", value + "y"}});
  EXPECT_EQ(shown(t.file(), "durations", "/").size(), 1u);
  EXPECT_EQ(t.scrape().dropped(format::Drop::kExemplarInvalid), 1u);
  EXPECT_EQ(t.scrape().count("durations", {"/"}), 2u);
}

TEST(Exemplars, LabelsThatAreNoneAreDroppedAndCounted) {
  TempSegment t;
  const auto c = errors(t).labels();
  c.inc(1, {{"1", "digit"}});
  c.inc(1, {{"", "empty"}});
  c.inc(1, {{"a-b", "dash"}});
  c.inc(1, {{"__name__", "reserved"}});
  c.inc(1, {{"a", "twice"}, {"a", "twice"}});
  c.inc(1, {{"a", "\xff"}});
  c.inc(1, {{nullptr, "null"}});
  c.inc(1, {{"a", static_cast<const char*>(nullptr)}});
  EXPECT_TRUE(shown(t.file(), "errors").empty());
  EXPECT_EQ(t.scrape().dropped(format::Drop::kExemplarInvalid), 8u);
  EXPECT_EQ(t.scraped("errors"), 8u);
}

TEST(Exemplars, AThreadWithoutASlotCountsAndStoresNone) {
  TempSegment t({1, 1, 4096, 64 * 1024});
  const auto h = durations(t).labels("/");
  h.observe(0.5);  // takes the only slot
  const pid_t child = forked([&] {
    h.observe(0.5, {{"trace_id", "child"}});
    EXPECT_EQ(t.segment().status(), METRICS_NO_SLOT);
  });
  EXPECT_EQ(ended(child), 0);
  EXPECT_TRUE(shown(t.file(), "durations", "/").empty());
  EXPECT_EQ(t.scrape().count("durations", {"/"}), 2u);
}

std::vector<std::string> lines;
void keep_line(metrics_status, const char* text, void*) { lines.emplace_back(text); }

TEST(Exemplars, AFamilyThatHasNotAskedTakesNoCellAndTellsOnce) {
  TempSegment t, plain;
  Family<Counter>("errors", "", {}, plain.options()).inc();
  lines.clear();
  metrics_set_log(&keep_line, nullptr);
  const auto family = errors(t, false);
  EXPECT_FALSE(family.has_exemplars());
  for (int i = 0; i < 3; ++i) family.inc(1, {{"trace_id", "a"}});
  EXPECT_TRUE(lines.empty()) << "an update has logged";
  for (int i = 0; i < 3; ++i) errors(t, false);
  metrics_set_log(nullptr, nullptr);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("\"errors\" has no places for exemplars"), std::string::npos) << lines[0];
  EXPECT_EQ(t.scrape().usage().cells_used, plain.scrape().usage().cells_used);
  EXPECT_EQ(t.scrape().dropped(format::Drop::kExemplarUnplaced), 3u);
  EXPECT_EQ(t.scraped("errors"), 3u);
}

TEST(Exemplars, WhoAsksLaterThanTheFirstCountsAndIsToldOnce) {
  TempSegment t;
  errors(t, false).inc();
  const pid_t child = forked([&] {
    lines.clear();
    metrics_set_log(&keep_line, nullptr);
    for (int i = 0; i < 2; ++i) errors(t, true).inc(1, {{"trace_id", "a"}});
    EXPECT_EQ(lines.size(), 1u);
    EXPECT_FALSE(errors(t, true).has_exemplars());
  });
  EXPECT_EQ(ended(child), 0);
  EXPECT_EQ(t.scraped("errors"), 3u);
}

TEST(Exemplars, AnOperatorTurnsThemOnByPattern) {
  TempSegment t;
  ::setenv("METRICS_EXEMPLARS", "http_*, errors_total", 1);
  const auto asked = errors(t, false);
  const Family<Counter> other("other", "", {}, t.options());
  const Family<Gauge> gauge("http_size", "", {}, t.options());
  ::unsetenv("METRICS_EXEMPLARS");
  EXPECT_TRUE(asked.has_exemplars());
  EXPECT_FALSE(other.has_exemplars());
  EXPECT_EQ(gauge.status(), METRICS_OK);
  asked.inc(1, {{"trace_id", "a"}});
  EXPECT_EQ(traces(shown(t.file(), "errors")), std::vector<std::string>{"a"});
}

TEST(Exemplars, AWordForAllInsteadOfAPatternIsLoggedOnce) {
  TempSegment t;
  const pid_t child = forked([&] {
    lines.clear();
    metrics_set_log(&keep_line, nullptr);
    for (const char* word : {"1", " 1 ", "", ",", "[", "error", "errors", "0"}) {
      ::setenv("METRICS_EXEMPLARS", word, 1);
      const Family<Counter> asked(std::string("errors") + std::to_string(word[0]), "", {},
                                  t.options());
      EXPECT_FALSE(asked.has_exemplars()) << word;
    }
    EXPECT_EQ(lines, std::vector<std::string>{
                         "METRICS_EXEMPLARS is \"1\": write patterns of names, such as "
                         "http_*,tasks_total, or * for all"});
  });
  EXPECT_EQ(ended(child), 0);
}

TEST(Exemplars, OnlyCountersAndHistogramsHaveThem) {
  TempSegment t;
  metrics_family_options options{};
  options.size = sizeof options;
  options.exemplars = 1;
  metrics_family* family = nullptr;
  EXPECT_EQ(
      metrics_family_of(t.segment().get(), METRICS_SUMMARY, "s", "", nullptr, 0, &options, &family),
      METRICS_INVALID);
  EXPECT_STREQ(metrics_last_error(),
               "only counters and histograms have exemplars, \"s\" is a summary");
}

// ---- what is not whole, or is another one's ----

// Another program's bytes may say anything of where a place is; nothing is stored where nothing is
// reserved.
TEST(Exemplars, InAPlaceThatIsForgedAreNotStored) {
  TempSegment t;
  const Family<Counter> counter = errors(t);
  counter.inc(1, {{"trace_id", "a"}});
  Patch patch(t.file());
  format::SeriesRecord& series = patch.series("errors");
  for (const std::uint64_t forged : {kSmall.cells - format::kPlaceCells, kSmall.cells - 1,
                                     std::uint64_t{1} << 40, ~std::uint64_t{0} - 3}) {
    series.first_place = forged;
    counter.inc(1, {{"trace_id", "b"}});
  }
  EXPECT_EQ(patch.cells(1, series)[0].load(), 5u);
}

TEST(Exemplars, NoMixtureOfTwoIsShown) {
  TempSegment t;
  const Counter c = errors(t).labels();
  c.inc(1, {{"trace_id", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}});
  FirstSlot slot(t.file(), "errors");
  const auto a = slot.copy(0);
  c.inc(2, {{"trace_id", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}});
  const auto b = slot.copy(0);
  ASSERT_EQ(shown(t.file(), "errors").size(), 1u);
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    auto mixed = a;
    for (std::size_t i = 0; i < mixed.size(); ++i) {
      if (round < static_cast<int>(mixed.size()) ? i < static_cast<std::size_t>(round)
                                                 : random() % 2 == 0) {
        mixed[i] = b[i];
      }
    }
    slot.put(0, mixed);
    EXPECT_EQ(shown(t.file(), "errors").size(), mixed == a || mixed == b ? 1u : 0u) << round;
  }
}

TEST(Exemplars, ACopyInAnotherPlaceIsNone) {
  TempSegment t;
  durations(t).labels("/").observe(0.5, {{"trace_id", "a"}});
  FirstSlot slot(t.file(), "durations", "/");
  slot.put(2, slot.copy(0));
  EXPECT_EQ(shown(t.file(), "durations", "/").size(), 1u);
  slot.put(0, std::vector<std::uint64_t>(format::kPlaceCells));
  EXPECT_TRUE(shown(t.file(), "durations", "/").empty());
}

TEST(Exemplars, OfARemovedSeriesIsNoneOfTheNextOne) {
  TempSegment t;
  const auto family = durations(t);
  family.labels("/").observe(0.5, {{"trace_id", "removed"}});
  FirstSlot slot(t.file(), "durations", "/");
  const auto late = slot.copy(0);
  family.remove("/");
  family.labels("/").observe(0.5);
  FirstSlot now(t.file(), "durations", "/");
  ASSERT_EQ(now.patch.offset_of(&now.series), slot.patch.offset_of(&slot.series)) << "not reused";
  EXPECT_TRUE(shown(t.file(), "durations", "/").empty());
  // As if a thread of the removed series' life had stored it now.
  now.put(0, late);
  EXPECT_TRUE(shown(t.file(), "durations", "/").empty());
  family.labels("/").observe(0.75, {{"trace_id", "new"}});
  EXPECT_EQ(traces(shown(t.file(), "durations", "/")), std::vector<std::string>{"new"});
}

TEST(Exemplars, CellsOfARemovedSeriesShowNoneInAnotherRecord) {
  TempSegment t({4, 4, 512, 64 * 1024});  // of which a series takes 64
  const auto family = durations(t);
  struct Late {
    std::uint64_t record;
    std::vector<std::uint64_t> words;
  };
  std::map<std::uint64_t, Late> late;  // by place
  int handed_on = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string path = std::to_string(i);
    family.labels(path).observe(0.5, {{"trace_id", path}});
    FirstSlot slot(t.file(), "durations", path);
    ASSERT_EQ(traces(shown(t.file(), "durations", path)), std::vector<std::string>{path});
    const Late mine{slot.patch.offset_of(&slot.series), slot.copy(0)};
    Late& before = late[slot.series.first_place];
    if (!before.words.empty()) {
      slot.put(0, before.words);
      EXPECT_TRUE(shown(t.file(), "durations", path).empty()) << path;
      if (before.record != mine.record) ++handed_on;
    }
    before = mine;
    family.remove(path);
  }
  EXPECT_GT(handed_on, 0);
  EXPECT_EQ(t.scrape().dropped(format::Drop::kCellsFull), 0u);
}

TEST(Exemplars, AStampOfTheFutureIsCutToNow) {
  TempSegment t;
  errors(t).inc(1, {{"trace_id", "a"}});
  FirstSlot slot(t.file(), "errors");
  reader::Reader reader(t.file());
  ASSERT_TRUE(reader.look());
  auto words = std::bit_cast<format::ExemplarWords>(
      *reinterpret_cast<std::array<std::uint64_t, format::kPlaceCells>*>(slot.words(0)));
  words.stamp = ~std::uint64_t{0};
  const format::PlaceId id{slot.patch.offset_of(&slot.series), slot.series.record.state.load(),
                           slot.series.first_place};
  words.check = format::check_of(words, format::seed_of(id, reader.hash_key()), reader.hash_key());
  *reinterpret_cast<format::ExemplarWords*>(slot.words(0)) = words;
  const Exemplars all = shown(t.file(), "errors");
  ASSERT_EQ(all.size(), 1u);
  EXPECT_LE(all[0].stamp_ns, format::now_ns());
}

// ---- kills and signal handlers ----

const Histogram* in_handler = nullptr;
std::uint64_t handled = 0;
void observe_in_handler(int) {
  const double value = static_cast<double>(++handled % 1'000'000) / 1e6;
  in_handler->observe(value, {{"id", std::to_string(value)}});
}

TEST(Exemplars, NoneIsTornByKillsAndHandlers) {
  TempSegment t;
  const Histogram h = durations(t).labels("/");
  std::mt19937 random(std::random_device{}());
  std::size_t seen = 0;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (std::chrono::steady_clock::now() < deadline) {
    auto& written = shared<std::atomic<std::uint64_t>>();
    const pid_t child = forked([&] {
      in_handler = &h;
      ::signal(SIGALRM, &observe_in_handler);
      const itimerval timer{{0, 200}, {0, 200}};
      ::setitimer(ITIMER_REAL, &timer, nullptr);
      for (std::uint64_t n = 0;; ++n) {
        const double value = static_cast<double>(n % 1'000'000) / 1e6;
        h.observe(value, {{"id", std::to_string(value)}});
        written.store(n, std::memory_order_relaxed);
      }
    });
    const std::uint64_t until = random() % 5000;
    while (written.load(std::memory_order_relaxed) < until) {
      for (const auto& e : shown(t.file(), "durations", "/")) {
        ++seen;
        ASSERT_EQ(e.labels.at(0).value, std::to_string(e.value));
      }
    }
    killed(child);
    for (const auto& e : shown(t.file(), "durations", "/")) {
      ASSERT_EQ(e.labels.at(0).value, std::to_string(e.value));
    }
  }
  EXPECT_GT(seen, 0u);
}

}  // namespace
}  // namespace metrics::test
