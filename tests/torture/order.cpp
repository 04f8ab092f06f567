// order.cpp -- what scrapes during load may never show: a counter that goes down, buckets that
// don't fit their count, a series that is there twice; and what gauges show of the living and of
// the dead.
#include <signal.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <thread>
#include <unordered_map>

#include "aggregator/exposition/text.h"
#include "tests/support/eventually.h"
#include "tests/torture/cases.h"
#include "tests/torture/exposition.h"
#include "tests/torture/program.h"

namespace metrics::torture {
namespace {

constexpr unsigned kWriters = 3;
constexpr Geometry kGeometry = {32, 64, 64 * 1024, 8 << 20};
constexpr double kLeast = 1000, kMost = 2000;  // of what gauges are set to

// Fractions that doubles can't hold exactly, so that the order of additions matters.
[[noreturn]] void write_on(const std::string& path, std::uint64_t seed) {
  const Segment segment(path, kGeometry);
  const Family<Counter> counters("c", "", {"n"}, {.segment = segment});
  const Family<Histogram> histograms("h", "", {"n"}, {.bounds = {0.1, 1, 10}, .segment = segment});
  const Family<Summary> summaries("s", "", {}, {.segment = segment});
  std::vector<metrics::Gauge> gauges;
  for (int mode = METRICS_ALL; mode <= METRICS_LIVEMOSTRECENT; ++mode) {
    gauges.push_back(Family<metrics::Gauge>("g" + std::to_string(mode), "", {},
                                            {.mode = static_cast<Mode>(mode), .segment = segment})
                         .labels());
  }
  std::vector<std::jthread> threads;
  for (unsigned t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(seed + t);
      const auto drawn = [&](double most) {
        return std::uniform_real_distribution<double>(0, most)(random);
      };
      for (std::uint64_t i = 0;; ++i) {
        // New series all the time, of which another process registers the same at the same moment.
        const std::string n = std::to_string(random() % 40);
        counters.labels(n).inc(random() % 5);
        counters.labels(n).inc(drawn(1));
        histograms.labels(n).observe(drawn(20));
        summaries.labels().observe(drawn(3));
        gauges[random() % gauges.size()].set(kLeast + drawn(kMost - kLeast));
        if (i % 512 == 0) {
          Family<Counter> passing("passing", "", {"n"}, {.segment = segment});
          passing.labels(std::to_string(random() % 1000)).inc();
        }
      }
    });
  }
  threads.clear();
  ::_exit(0);
}

// The values of everything that only grows, by family and labels.
class Last {
 public:
  // The first thing that went down or does not fit; "" if all is well.
  std::string look(const reader::Families& now) {
    if (now.shape == shape_) {
      for (const auto& [at, is_double] : growing_) {
        if (less(now.values[at], before_[at], is_double)) return "a value went down";
      }
    } else {
      const auto old = std::move(by_name_);
      by_name_.clear();
      growing_.clear();
      for (const reader::Family& f : now.families) {
        if (f.type == format::Type::kGauge || f.type == format::Type::kInfo) continue;
        const std::size_t count = reader::value_count(f);
        for (const reader::Series& s : f.series) {
          std::string name = f.name;
          for (const reader::Label& label : s.labels) name += '{' + label.value;
          if (!by_name_.emplace(name, s.first_value).second) return name + " is there twice";
          const auto then = old.find(name);
          for (std::size_t k = 0; k < count; ++k) {
            const bool is_double = k + 1 == count;  // of each type, the last cell
            growing_.emplace_back(s.first_value + k, is_double);
            if (then != old.end() &&
                less(now.values[s.first_value + k], before_[then->second + k], is_double)) {
              return name + ", value " + std::to_string(k) + ", went down";
            }
          }
        }
      }
      for (const auto& [name, at] : old) {
        if (!by_name_.contains(name)) return name + " is gone";
      }
      shape_ = now.shape;
    }
    before_ = now.values;
    return "";
  }

 private:
  static bool less(std::uint64_t now, std::uint64_t then, bool is_double) {
    return is_double ? std::bit_cast<double>(now) < std::bit_cast<double>(then) : now < then;
  }
  std::uint64_t shape_ = 0;
  std::vector<std::uint64_t> before_;
  std::vector<std::pair<std::size_t, bool>> growing_;
  std::unordered_map<std::string, std::size_t> by_name_;
};

// What ten modes may show of processes that each have set a number between two bounds, or nothing
// yet.
std::string gauges_fault(const reader::Families& now) {
  for (const reader::Family& f : now.families) {
    if (f.type != format::Type::kGauge) continue;
    const int mode = std::stoi(f.name.substr(1));
    const bool per_process = mode == METRICS_ALL || mode == METRICS_LIVEALL;
    const bool sums = mode == METRICS_SUM || mode == METRICS_LIVESUM;
    if (!per_process && f.series.size() > 1) return f.name + " has more than one sample";
    if (per_process && f.series.size() > kGeometry.processes)
      return f.name + " has too many samples";
    for (const reader::Series& s : f.series) {
      const double value = now.gauge(s);
      if (sums && value == 0) continue;
      // The dead ones' shares stay in a sum; of the living there are at most so many.
      const double most = mode == METRICS_SUM       ? HUGE_VAL
                          : mode == METRICS_LIVESUM ? kMost * (kWriters + 1)
                                                    : kMost;
      if (!(value >= kLeast && value <= most)) {
        return f.name + " shows " + std::to_string(value) + ", which nobody has set";
      }
    }
  }
  return "";
}

}  // namespace

void scrapes_in_order(Run& run) {
  const std::string path = run.fresh_path();
  const auto begin = [&] {
    return start([&, seed = run.random()] {
      constexpr int kBehindTheReader = 5;
      if (::nice(kBehindTheReader) == -1) ::_exit(72);
      write_on(path, seed);
    });
  };
  std::vector<pid_t> writers(kWriters);
  for (pid_t& writer : writers) writer = begin();
  reader::SegmentMerge merge(path + ".v2");
  run.check(test::eventually([&] { return merge.read(); }), "no segment: " + merge.why());
  exposition::TextEncoder encoder;
  Last last;
  Exposition before("");
  std::uint64_t scrapes = 0, kills = 0, texts = 0;
  while (run.more() && !run.hopeless()) {
    ++scrapes;
    if (!run.check(merge.read(), "a scrape failed: " + merge.why())) break;
    const auto& faults = merge.reader().catalogue()->faults;
    if (!faults.empty()) run.fault("directory: " + faults.front());
    if (const std::string fault = last.look(merge.families()); !fault.empty()) run.fault(fault);
    if (const std::string fault = gauges_fault(merge.families()); !fault.empty()) run.fault(fault);
    if (scrapes % 64 == 0) {
      ++texts;
      std::string text;
      encoder.encode(merge.families(), text);
      Exposition now(text);
      if (!now.fault().empty()) run.fault(now.fault());
      if (const std::string down = now.gone_down(before); !down.empty()) run.fault(down);
      before = std::move(now);
    }
    if (run.below(200) == 0) {
      ++kills;
      pid_t& victim = writers[run.below(kWriters)];
      kill_and_reap(victim);
      run.check(test::eventually([&] { return Look(path + ".v2").owned() < kWriters; }),
                "a dead one's slot is not free");
      victim = begin();
    }
  }
  for (const pid_t writer : writers) kill_and_reap(writer);
  run.check(test::eventually([&] { return Look(path + ".v2").owned() == 0; }),
            "the dead ones' slots are not free");
  const Look look(path + ".v2");
  run.check(look.usage().first_slots_used <= kWriters, "more slots than writers at once");
  for (const char* live : {"g1", "g5", "g7", "g9"}) {
    run.check(look.samples(live).empty(), std::string(live) + " shows the dead");
  }
  run.check(look.value("g3") == 0, "livesum of nobody is not 0");
  run.count("scrapes compared", scrapes);
  run.count("  of them as text", texts);
  run.count("writers killed meanwhile", kills);
}

}  // namespace metrics::torture
