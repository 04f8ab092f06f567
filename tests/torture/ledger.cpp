#include "tests/torture/ledger.h"

#include <cmath>
#include <stdexcept>

#include "libmetrics/reader/verify.h"

namespace metrics::torture {
namespace {

constexpr double kQuarter = 0.25;
// In the middle of the histogram's buckets, in quarters; bounds are 1, 2 and 5.
constexpr std::uint64_t kObserved[] = {2, 6, 12, 40};

std::string key_name(std::size_t key) { return "k" + std::to_string(key); }

// Exemplars tell their series, their value, and twice their number.
void check_exemplars(Run& run, const reader::Families& families, const reader::Series& series) {
  for (const reader::Exemplar& e : families.exemplars_of(series)) {
    run.count("exemplars shown, each whole");
    const auto& l = e.labels;
    if (l.size() != 4 || l[1].value != series.labels[0].value ||
        l[2].value != std::to_string(e.value) || l[0].value != l[3].value) {
      run.fault("an exemplar is torn, or another series'");
    }
  }
}

std::atomic<std::uint64_t>& at(std::atomic<std::uint64_t> (&table)[Ledger::kKeys][kColumns],
                               std::size_t key, Column column) {
  return table[key][static_cast<std::size_t>(column)];
}

}  // namespace

Books::Books(Ledger& ledger, const std::string& path, const Geometry& geometry)
    : ledger_(ledger),
      segment_(path, geometry),
      whole_("whole", "Whole numbers.", {"key"}, {.segment = segment_, .exemplars = true}),
      part_("part", "Quarters.", {"key"}, {.segment = segment_}),
      histogram_("histogram", "Four explicit buckets, and native ones.", {"key"},
                 {.bounds = {1, 2, 5},
                  .segment = segment_,
                  .native = Native{.factor = 2, .min = 0.25, .max = 16},
                  .exemplars = true}),
      summary_("summary", "Observations.", {"key"}, {.segment = segment_}),
      gauge_("gauge", "Added to.", {"key"}, {.mode = Mode::kSum, .segment = segment_}) {}

void Books::update(std::mt19937_64& random) {
  const std::uint64_t first = ledger_.first_key.load(std::memory_order_relaxed);
  const std::uint64_t keys = ledger_.keys.load(std::memory_order_relaxed);
  update((first + random() % keys) % Ledger::kKeys, static_cast<unsigned>(random() % kKinds),
         1 + random() % 3);
}

void Books::update(std::size_t key, unsigned kind, std::uint64_t amount) {
  const std::string label = key_name(key);
  const auto noted = [&](Column column, std::uint64_t n, auto update) {
    at(ledger_.begun, key, column).fetch_add(n);
    update();
    at(ledger_.done, key, column).fetch_add(n);
  };
  switch (kind) {
    case 0: {
      Counter counter = whole_.labels(label);
      const auto value = static_cast<double>(amount);
      const std::string number = std::to_string(ledger_.updates), shown = std::to_string(value);
      noted(Column::kWhole, amount, [&] {
        if (amount == 1) return counter.inc(amount);
        counter.inc(value,
                    {{"number", number}, {"key", label}, {"value", shown}, {"again", number}});
      });
      break;
    }
    case 1: {
      Counter counter = part_.labels(label);
      noted(Column::kPart, 1, [&] { counter.inc(kQuarter); });
      break;
    }
    case 2: {
      Histogram histogram = histogram_.labels(label);
      const std::uint64_t bucket = amount % 4;
      const auto column = static_cast<Column>(static_cast<unsigned>(Column::kBucket0) + bucket);
      const std::uint64_t quarters = kObserved[bucket];
      noted(column, 1, [&] {
        const double value = static_cast<double>(quarters) * kQuarter;
        const std::string number = std::to_string(ledger_.updates), shown = std::to_string(value);
        noted(Column::kHistogramSum, quarters, [&] {
          histogram.observe(
              value, {{"number", number}, {"key", label}, {"value", shown}, {"again", number}});
        });
      });
      break;
    }
    case 3: {
      Summary summary = summary_.labels(label);
      noted(Column::kSummary, 1,
            [&] { noted(Column::kSummarySum, 3, [&] { summary.observe(3 * kQuarter); }); });
      break;
    }
    default: {
      metrics::Gauge gauge = gauge_.labels(label);
      noted(Column::kGauge, amount, [&] { gauge.inc(static_cast<double>(amount)); });
      break;
    }
  }
  ledger_.updates.fetch_add(1, std::memory_order_relaxed);
}

void Audit::operator()(Run& run, bool quiet) {
  std::vector<std::uint64_t> done(Ledger::kKeys * kColumns);
  for (std::size_t i = 0; i < done.size(); ++i) {
    done[i] = ledger_.done[i / kColumns][i % kColumns].load();
  }
  if (!merge_.read() || !merge_.read_exemplars()) {
    // Workers that have not even created it have acknowledged nothing.
    for (const std::uint64_t d : done) {
      if (d != 0)
        return run.fault("a segment with acknowledged counts can't be read: " + merge_.why());
    }
    return;
  }
  if (const auto faults = reader::verify(verified_); !faults.empty()) {
    run.fault("verify: " + faults.front());
  }

  std::vector<std::uint64_t> scraped(done.size());
  const reader::Families& families = merge_.families();
  for (const reader::Family& f : families.families) {
    for (const reader::Series& s : f.series) {
      if (s.labels.empty() || s.labels[0].name != "key") continue;
      const std::size_t key = std::stoul(s.labels[0].value.substr(1));
      check_exemplars(run, families, s);
      const auto put = [&](Column column, double value) {
        std::uint64_t& to = scraped[key * kColumns + static_cast<std::size_t>(column)];
        if (to != 0) run.fault("series " + f.name + "{" + s.labels[0].value + "} is there twice");
        to = static_cast<std::uint64_t>(value);
        if (static_cast<double>(to) != value)
          run.fault(f.name + " shows a value that nobody wrote");
      };
      if (f.name == "whole") {
        put(Column::kWhole, static_cast<double>(families.counter(s).whole));
      } else if (f.name == "part") {
        put(Column::kPart, families.counter(s).fraction / kQuarter);
      } else if (f.name == "histogram") {
        const auto buckets = families.buckets(f, s);
        for (unsigned b = 0; b < 4; ++b) {
          put(static_cast<Column>(static_cast<unsigned>(Column::kBucket0) + b),
              static_cast<double>(buckets[b]));
        }
        put(Column::kHistogramSum, families.sum(f, s) / kQuarter);
      } else if (f.name == "summary") {
        put(Column::kSummary, static_cast<double>(families.buckets(f, s)[0]));
        put(Column::kSummarySum, families.sum(f, s) / kQuarter);
      } else if (f.name == "gauge") {
        put(Column::kGauge, families.gauge(s));
      }
    }
  }
  // A gauge of a process that had no slot in time is dropped, and that is counted.
  const std::uint64_t dropped =
      merge_.reader().usage().dropped[static_cast<std::size_t>(format::Drop::kGaugeWithoutSlot)];
  std::uint64_t gauge_lost = 0;
  in_flight_ = 0;
  for (std::size_t i = 0; i < done.size(); ++i) {
    const std::size_t key = i / kColumns;
    const std::size_t column = i % kColumns;
    const std::uint64_t begun = ledger_.begun[key][column].load();
    if (quiet) in_flight_ += begun - done[i];
    const std::string what = "key " + std::to_string(key) + ", column " + std::to_string(column) +
                             ": acknowledged " + std::to_string(done[i]) + ", scraped " +
                             std::to_string(scraped[i]) + ", begun " + std::to_string(begun);
    if (scraped[i] > begun) run.fault("counted twice: " + what);
    if (scraped[i] < done[i]) {
      if (static_cast<Column>(column) == Column::kGauge) {
        gauge_lost += done[i] - scraped[i];
      } else {
        run.fault("lost: " + what);
      }
    }
    if (run.hopeless()) return;
  }
  if (gauge_lost > 3 * dropped) {
    run.fault("gauges lost " + std::to_string(gauge_lost) + ", told are " +
              std::to_string(dropped) + " updates");
  }
}

std::vector<std::string> faults_of(const std::string& file) {
  reader::Reader reader(file);
  return reader::verify(reader);
}

Look::Look(const std::string& file) : merge_(std::make_unique<reader::SegmentMerge>(file)) {
  if (!merge_->read()) throw std::runtime_error(merge_->why());
  catalogue_ = merge_->reader().catalogue();
  usage_ = merge_->reader().usage();
}

std::size_t Look::owned() const {
  std::size_t count = 0;
  for (format::SlotIndex slot = 1; slot <= usage_.first_slots_used; ++slot) {
    count += owner(slot).state == format::Ownership::State::kOwned ? 1u : 0u;
  }
  return count;
}

std::optional<reader::Series> Look::find(const std::string& name,
                                         const std::vector<std::string>& labels,
                                         const reader::Family** family) const {
  for (const reader::Family& f : merge_->families().families) {
    if (f.name != name) continue;
    *family = &f;
    for (const reader::Series& s : f.series) {
      bool same = s.labels.size() >= labels.size();
      for (std::size_t i = 0; same && i < labels.size(); ++i) same = s.labels[i].value == labels[i];
      if (same) return s;
    }
  }
  return std::nullopt;
}

std::uint64_t Look::count(const std::string& name, const std::vector<std::string>& labels) const {
  const reader::Family* f = nullptr;
  const auto s = find(name, labels, &f);
  if (!s) return 0;
  if (f->type == format::Type::kCounter) return merge_->families().counter(*s).whole;
  std::uint64_t sum = 0;
  for (const std::uint64_t bucket : merge_->families().buckets(*f, *s)) sum += bucket;
  return sum;
}

double Look::value(const std::string& name, const std::vector<std::string>& labels) const {
  const reader::Family* f = nullptr;
  const auto s = find(name, labels, &f);
  if (!s) return std::nan("");
  if (f->type == format::Type::kGauge) return merge_->families().gauge(*s);
  if (f->type == format::Type::kCounter) {
    const auto counter = merge_->families().counter(*s);
    return static_cast<double>(counter.whole) + counter.fraction;
  }
  return merge_->families().sum(*f, *s);
}

bool Look::has(const std::string& name, const std::vector<std::string>& labels) const {
  const reader::Family* f = nullptr;
  return find(name, labels, &f).has_value();
}

std::vector<reader::Exemplar> Look::exemplars(const std::string& name) const {
  const reader::Family* f = nullptr;
  const auto s = find(name, {}, &f);
  if (!s) return {};
  if (!merge_->read_exemplars()) throw std::runtime_error(merge_->why());
  const auto all = merge_->families().exemplars_of(*s);
  return {all.begin(), all.end()};
}

std::vector<std::pair<std::string, double>> Look::samples(const std::string& name) const {
  std::vector<std::pair<std::string, double>> found;
  for (const reader::Family& f : merge_->families().families) {
    if (f.name != name) continue;
    for (const reader::Series& s : f.series) {
      found.emplace_back(s.labels.empty() ? "" : s.labels.back().value,
                         merge_->families().gauge(s));
    }
  }
  return found;
}

}  // namespace metrics::torture
