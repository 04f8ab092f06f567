#include "tests/torture/lives.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

namespace metrics::torture {
namespace {

constexpr std::size_t kPrimes = 4096;
constexpr std::uint64_t kLeastPrime = 20'000;  // more updates than that no life gets

const std::array<std::uint64_t, kPrimes>& primes() {
  static const auto found = [] {
    std::array<std::uint64_t, kPrimes> result{};
    std::uint64_t n = kLeastPrime;
    for (std::uint64_t& prime : result) {
      const auto divided = [&] {
        for (std::uint64_t d = 2; d * d <= n; ++d) {
          if (n % d == 0) return true;
        }
        return false;
      };
      while (divided()) ++n;
      prime = n++;
    }
    return result;
  }();
  return found;
}

Bounds short_bounds() { return {30'000, 45'000}; }
Bounds long_bounds() { return Bounds::linear(20'000, 2'500, 20); }

std::string described(const reader::Family& f, const std::string& label) {
  return f.name + "{" + label + "}";
}

}  // namespace

std::uint64_t prime_of(std::uint64_t life) { return primes()[life % (kPrimes - Lives::kShared)]; }
std::uint64_t prime_of_shared(unsigned key) { return primes()[kPrimes - Lives::kShared + key]; }

// Of several lengths, so that not every record has room for every label.
std::string label_of_place(unsigned place) {
  return "p" + std::to_string(place) + std::string(place % 3 * 20, 'x');
}
std::string label_of_task(std::uint64_t life) {
  return "t" + std::to_string(life) + std::string(life % 4 * 15, 'x');
}
std::string label_of_shared(unsigned key) { return "s" + std::to_string(key); }

void Held::update(Lives& lives) const {
  Updates& noted = lives.lives[life].updates;
  const std::uint64_t prime = prime_of(life);
  noted.begun.fetch_add(1);
  switch (kind) {
    case Kind::kCounter:
      counter.inc(prime);
      break;
    case Kind::kShort:
    case Kind::kLong:
      histogram.observe(static_cast<double>(prime));
      break;
    case Kind::kGauge:
      gauge.inc(static_cast<double>(prime));
      break;
  }
  noted.done.fetch_add(1);
  lives.updates.fetch_add(1, std::memory_order_relaxed);
}

Kinds::Kinds(const Segment& segment, const std::string& name)
    : counter_(name + "_counter", "", {"key"}, {.segment = segment}),
      short_(name + "_short", "", {"key"}, {.bounds = short_bounds(), .segment = segment}),
      long_(name + "_long", "", {"key"}, {.bounds = long_bounds(), .segment = segment}),
      gauge_(name + "_gauge", "", {"key"}, {.mode = Mode::kSum, .segment = segment}) {}

Held Kinds::held(Kind kind, const std::string& label, std::uint64_t life) const {
  Held held{life, kind, {}, {}, {}};
  if (kind == Kind::kCounter) held.counter = counter_.labels(label);
  if (kind == Kind::kShort) held.histogram = short_.labels(label);
  if (kind == Kind::kLong) held.histogram = long_.labels(label);
  if (kind == Kind::kGauge) held.gauge = gauge_.labels(label);
  return held;
}

void Kinds::remove(Kind kind, const std::string& label) const {
  if (kind == Kind::kCounter) counter_.remove(label);
  if (kind == Kind::kShort) short_.remove(label);
  if (kind == Kind::kLong) long_.remove(label);
  if (kind == Kind::kGauge) gauge_.remove(label);
}

void Kinds::clear() const {
  counter_.clear();
  short_.clear();
  long_.clear();
  gauge_.clear();
}

LivesAudit::Shown LivesAudit::shown(const reader::Family& f, const reader::Series& s,
                                    std::uint64_t prime) const {
  const reader::Families& families = merge_.families();
  const auto number = [&](double value, std::uint64_t& n) {
    n = static_cast<std::uint64_t>(value) / prime;
    return static_cast<double>(n * prime) == value;
  };
  Shown shown;
  if (f.type == format::Type::kCounter) {
    const auto counter = families.counter(s);
    shown.most = shown.least = counter.whole / prime;
    shown.fits = counter.whole % prime == 0 && counter.fraction == 0;
  } else if (f.type == format::Type::kGauge) {
    shown.fits = number(families.gauge(s), shown.most);
    shown.least = shown.most;
  } else {
    const auto buckets = families.buckets(f, s);
    const auto bucket = static_cast<std::size_t>(
        std::lower_bound(f.bounds.begin(), f.bounds.end(), static_cast<double>(prime)) -
        f.bounds.begin());
    std::uint64_t all = 0, sum = 0;
    for (const std::uint64_t b : buckets) all += b;
    shown.fits = buckets[bucket] == all && number(families.sum(f, s), sum);
    shown.most = std::max(all, sum);
    shown.least = std::min(all, sum);
  }
  return shown;
}

void LivesAudit::operator()(Run& run) {
  struct Before {
    std::uint64_t now, done;
    bool seen;
  };
  std::vector<Before> before;
  for (const Place& place : lives_.places) {
    const std::uint64_t now = place.now.load();
    before.push_back({now, lives_.lives[now >> 1].updates.done.load(), false});
  }
  std::array<std::uint64_t, Lives::kShared> stay_done{};
  for (unsigned k = 0; k < Lives::kShared; ++k) stay_done[k] = lives_.stays[k].done.load();
  if (!merge_.read()) return run.fault("the segment can't be read: " + merge_.why());

  const auto within = [&](const reader::Family& f, const reader::Series& s, std::uint64_t life,
                          std::uint64_t done, bool last_word) {
    const Shown shown = this->shown(f, s, prime_of(life));
    const std::uint64_t begun = lives_.lives[life].updates.begun.load();
    if (shown.fits && shown.most <= begun && shown.least >= done) return true;
    if (last_word) {
      run.fault(described(f, s.labels[0].value) + ", life " + std::to_string(life) + ": " +
                std::to_string(done) + " updates acknowledged, " + std::to_string(begun) +
                " begun; shown are " + std::to_string(shown.least) + " to " +
                std::to_string(shown.most) + (shown.fits ? "" : " AND COUNTS OF ANOTHER LIFE"));
    }
    return false;
  };
  const auto surely_there = [&](unsigned place) {
    return before[place].now % 2 == 1 && lives_.places[place].now.load() == before[place].now;
  };
  for (const reader::Family& f : merge_.families().families) {
    for (const reader::Series& s : f.series) {
      if (s.labels.empty() || s.labels[0].name != "key") continue;
      const std::string& label = s.labels[0].value;
      std::uint64_t number = 0;
      std::from_chars(label.data() + 1, label.data() + label.size(), number);
      if (label[0] == 's') {
        const auto key = static_cast<unsigned>(number);
        const bool stays = f.name.starts_with("stays");
        const Updates& noted = stays ? lives_.stays[key] : lives_.comes_and_goes[key];
        const Shown shown = this->shown(f, s, prime_of_shared(key));
        run.check(
            shown.fits && shown.most <= noted.begun && (!stays || shown.least >= stay_done[key]),
            "what all share, " + described(f, label) + ": shown are " +
                std::to_string(shown.least) + " to " + std::to_string(shown.most) +
                (shown.fits ? "" : " AND COUNTS OF ANOTHER SERIES"));
        if (stays) stay_done[key] = 0;
        continue;
      }
      const bool is_task = label[0] == 't';
      const unsigned place = is_task ? lives_.lives[number].place.load() : unsigned(number);
      const std::uint64_t first = before[place].now >> 1;
      if (is_task ? number == first && surely_there(place) : surely_there(place)) {
        run.check(!before[place].seen, described(f, label) + " is there twice");
        before[place].seen = true;
        ++sure_;
        within(f, s, first, before[place].done, true);
      } else if (is_task) {
        within(f, s, number, 0, true);
      } else {
        // Any of those that began since then; none had begun before the one of then was removed.
        const std::uint64_t end = lives_.places[place].now.load() >> 1;
        bool found = false;
        for (std::uint64_t life = first; life <= end && !found; ++life) {
          found = lives_.lives[life].place == place && within(f, s, life, 0, false);
        }
        if (!found) within(f, s, end, 0, true);
      }
      if (run.hopeless()) return;
    }
  }
  for (unsigned place = 0; place < before.size(); ++place) {
    run.check(before[place].seen || !surely_there(place),
              "the series of place " + std::to_string(place) + " was there all the time, life " +
                  std::to_string(before[place].now >> 1) + ", and is not shown");
  }
  for (unsigned k = 0; k < Lives::kShared; ++k) {
    run.check(stay_done[k] == 0,
              "a series that nobody removes is not shown: " + label_of_shared(k));
  }
}

}  // namespace metrics::torture
