// A reader that goes on where it stopped finds what one finds that reads everything anew, whatever
// processes have done meanwhile, and whatever bytes somebody has scribbled over.
//
// METRICS_SEEDS=FIRST-LAST in the environment plays other rounds than the usual few.
#include "libmetrics/reader/directory.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "libmetrics/format/editions.h"
#include "libmetrics/reader/identity.h"
#include "libmetrics/reader/merge.h"
#include "tests/support/patch.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

// Everything that a catalogue tells, in the order of records.
std::string told(const reader::Catalogue& c) {
  std::ostringstream text;
  for (const auto& f : c.contents.families) {
    text << f.offset << ' ' << format::described(f) << " limit " << f.max_series << ' '
         << f.overflow << '\n';
  }
  std::vector<const format::SeriesView*> series;
  for (const auto& s : c.contents.series) {
    if (s.is_live()) series.push_back(&s);
  }
  EXPECT_EQ(series.size(), c.contents.live_series());
  std::ranges::sort(series, {}, &format::SeriesView::offset);
  for (const auto* s : series) {
    text << s->offset << " of " << s->family << " state " << s->state << " cells " << s->first_cell
         << '+' << s->cell_count << " places " << s->first_place << '+' << s->places << " created "
         << s->created_ns << ':';
    for (const auto& string : s->strings) text << ' ' << string.size() << ' ' << string;
    text << '\n';
  }
  for (const auto offset : c.contents.idle) text << "idle " << offset << '\n';
  for (const auto& g : c.groups) {
    text << "group " << g.last << " hidden by " << g.hidden_by.value_or(999) << ':';
    for (const auto edition : g.editions) text << ' ' << edition;
    text << '\n';
  }
  for (const auto& fault : c.faults) text << "fault " << fault << '\n';
  text << "cells " << c.cells << " cost " << c.cost_of_sums << " unknown "
       << c.contents.unknown_families << '\n';
  return text.str();
}

// All that a merge shows.
std::string shown(const reader::Families& families) {
  std::ostringstream text;
  for (const auto& f : families.families) {
    text << format::to_string(f.type) << ' ' << f.name << ' ' << f.help << ' ' << f.unit << ' '
         << f.bounds.size() << '\n';
    for (const auto& s : f.series) {
      for (const auto& label : s.labels) text << label.name << '=' << label.value << ',';
      text << " record " << s.record << " created " << s.created_ns << ':';
      for (std::size_t k = 0; k < reader::value_count(f); ++k) {
        text << ' ' << families.values.at(s.first_value + k);
      }
      text << '\n';
    }
  }
  return text.str();
}

// A program's life with a segment, in random steps.
class Life {
 public:
  explicit Life(unsigned seed) : random_(seed) {}

  void step() {
    // Programs are not made to go on with a forged directory: what may write to it may harm them.
    if (!undo_.empty()) return scribble();
    switch (below(14)) {
      case 0:
      case 1:
      case 2:
        return change(tasks_, below(4) == 0);
      case 3:
      case 4:
        return change(times_, below(3) == 0);
      case 5:
        return change(load_, below(2) == 0);
      case 6:
        return tasks_.clear();
      case 7:
        return another_process();
      case 8:
        return killed_while_it_registers();
      case 9:
        return release();
      case 10:
        return many();
      case 11:
        if (below(4) == 0) new_family();
        return;
      default:
        return scribble();
    }
  }
  const TempSegment& segment() const { return t_; }

 private:
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  // Of lengths that need rooms of several sizes.
  std::string label() { return std::string(below(3) * 20, 'x') + std::to_string(below(40)); }
  template <class Family>
  void change(Family& family, bool remove) {
    const std::string value = label();
    if (remove) {
      family.remove(value);
    } else {
      touch(family.labels(value));
    }
  }
  static void touch(const Counter& c) { c.inc(); }
  static void touch(const Histogram& h) { h.observe(1); }
  static void touch(const Gauge& g) { g.set(1); }

  void another_process() {
    const std::string value = label();
    const bool remove = below(2) == 0;
    ASSERT_EQ(ended(forked([&] {
                tasks_.labels(value).inc();
                times_.labels(value).observe(3);
                if (remove) tasks_.remove(value);
              })),
              0);
  }
  void killed_while_it_registers() {
    const unsigned first = below(1000);
    killed(forked([&] {
      for (unsigned i = first;; i = (i + 1) % 60) {
        tasks_.labels("k" + std::to_string(i)).inc();
        if (i % 3 == 0) tasks_.remove("k" + std::to_string((i + 30) % 60));
      }
    }));
  }
  // A program with another definition, which has been there before or has not.
  void release() {
    const double bound = below(3);
    ASSERT_EQ(ended(forked([&] {
                const Segment again(t_.path());
                Family<Histogram>("times", "", {"type"}, {.bounds = {bound, 9}, .segment = again})
                    .labels("of a release")
                    .observe(1);
              })),
              0);
  }
  void new_family() { t_.counter("family" + std::to_string(++families_)).inc(); }
  void many() {
    for (unsigned i = 0; i < 30; ++i) times_.labels("m" + std::to_string(i)).observe(i);
    if (below(2) == 0) times_.clear();
  }
  // Changes a word of the directory to one that is there, or to anything; or all of them back.
  void scribble() {
    Patch patch(t_.file());
    auto& header = patch.header();
    auto* const words = reinterpret_cast<std::uint64_t*>(patch.chains());
    const std::uint64_t used = header.directory_used.load(std::memory_order_relaxed);
    const std::uint64_t end = (header.directory - header.index + used) / 8;
    if (!undo_.empty() && below(3) == 0) {
      for (auto w = undo_.rbegin(); w != undo_.rend(); ++w) words[w->first] = w->second;
      undo_.clear();
      return;
    }
    const std::uint64_t at = below(8) == 0 ? below(static_cast<unsigned>(end))
                                           : (header.directory - header.index) / 8 +
                                                 below(static_cast<unsigned>(used / 8));
    undo_.emplace_back(at, words[at]);
    switch (below(4)) {
      case 0:
        words[at] = 0;
        return;
      case 1:
        words[at] ^= std::uint64_t{1} << below(64);
        return;
      case 2:
        words[at] = words[below(static_cast<unsigned>(end))];
        return;
      default:
        words[at] = random_();
    }
  }

  std::mt19937_64 random_;
  TempSegment t_{{8, 8, 4096, 96 * 1024}};
  Family<Counter> tasks_{"tasks", "", {"type"}, t_.options()};
  Family<Histogram> times_{"times", "", {"type"}, {.bounds = {1, 2}, .segment = t_.segment()}};
  Family<Gauge> load_{"load", "", {"type"}, {.mode = Mode::kSum, .segment = t_.segment()}};
  unsigned families_ = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> undo_;
};

class GoesOn : public testing::TestWithParam<reader::Access> {};

std::pair<unsigned, unsigned> seeds() {
  const char* given = std::getenv("METRICS_SEEDS");
  unsigned first = 0, last = 3;
  if (given != nullptr) {
    char dash;
    std::istringstream(given) >> first >> dash >> last;
  }
  return {first, last};
}

void play(unsigned seed, reader::Access access) {
  unsigned went_on = 0;
  Life life(seed);
  const std::string file = life.segment().file();
  reader::SegmentMerge kept(file, access);
  kept.use({.most = 3, .least_work = 1});
  for (unsigned step = 0; step < 150; ++step) {
    ASSERT_NO_FATAL_FAILURE(life.step());
    reader::SegmentMerge anew(file, access);
    const std::string where = "seed " + std::to_string(seed) + ", step " + std::to_string(step);
    ASSERT_EQ(kept.read(), anew.read()) << where << kept.why() << anew.why();
    if (anew.reader().catalogue() == nullptr) {
      ASSERT_EQ(kept.why(), anew.why()) << where;
      continue;
    }
    const auto& catalogue = *kept.reader().catalogue();
    ASSERT_EQ(told(catalogue), told(*anew.reader().catalogue())) << where;
    ASSERT_EQ(shown(kept.families()), shown(anew.families())) << where;
    went_on += catalogue.former != nullptr && !catalogue.changed.empty() ? 1 : 0;
  }
  EXPECT_GT(went_on, 20u) << "it has nearly always read everything anew";
}

// A process joins sixteen segments at most.
TEST_P(GoesOn, AndFindsWhatOneFindsThatReadsAnew) {
  const auto [first, last] = seeds();
  for (unsigned seed = first; seed <= last; ++seed) {
    ASSERT_EQ(ended(forked([&, seed = seed] { play(seed, GetParam()); })), 0) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Accesses, GoesOn,
                         testing::Values(reader::Access::kCopied, reader::Access::kMapped));

}  // namespace
}  // namespace metrics::test
