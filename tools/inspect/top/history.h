// history.h -- what a sequence of pictures says about each series and worker: rates, averages,
// quantiles, last activity. Pure: times come with the pictures.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "tools/inspect/top/picture.h"
#include "tools/inspect/units.h"

namespace metrics::inspect::top {

inline constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

// A rate, and its averages. An average over a window is that of all time as long as less has
// passed; then what is older counts less and less.
struct Rate {
  double now = kNoNumber, over_10 = kNoNumber, over_100 = kNoNumber;
  double age = 0;  // seconds since the first interval began
  void add(double amount, double seconds);
};

struct SeriesRow {
  std::string name;    // with its labels, printable
  std::size_t family;  // index into the picture's families
  std::size_t series;  // index into the family's
  format::Type type;
  Unit unit;
  double value;                             // of a histogram or summary: how many were observed
  std::string value_text;                   // as a scrape spells it
  Rate rate;                                // of what counts
  double p50 = kNoNumber, p99 = kNoNumber;  // of the last interval
};

struct WorkerRow {
  format::SlotIndex slot;
  std::uint64_t pid, generation, claimed_ns;
  std::string command, state;
  std::size_t threads;
  double events;  // see Process
  Rate rate;
  double quiet_for;       // seconds since the last interval in which anything of it has changed
  bool has_moved;         // it has changed since top began; else quiet_for is since then, at least
  std::uint64_t dropped;  // updates and registrations of this process
  std::vector<std::string> refused;   // reasons for which something of this process was last
  std::vector<std::string> families;  // in which it has counted; not printable
};

class History {
 public:
  // Adds the newest picture. One that could not be read changes nothing but latest().
  void add(Picture picture);
  const Picture& latest() const { return *latest_; }
  // Returns the last one that could be read: the series' rows lead to its families.
  const Picture& last_read() const { return *read_; }
  // Returns true once two pictures have been compared: rates are known.
  bool has_rates() const { return pictures_ > 1; }
  double interval() const { return interval_; }  // seconds between the last two
  const std::vector<SeriesRow>& series() const { return series_; }
  const std::vector<WorkerRow>& workers() const { return workers_; }
  // Forgets all averages.
  void restart();

 private:
  void add_series(const Picture& before, const Picture& now, double seconds);
  void add_workers(const Picture& now, double seconds);

  std::shared_ptr<const Picture> latest_ = std::make_shared<Picture>(), read_ = latest_;
  unsigned pictures_ = 0;
  double interval_ = 0, began_ = 0;
  std::vector<SeriesRow> series_;
  std::vector<WorkerRow> workers_;
  struct Seen {
    std::uint64_t generation, fingerprint;
    double events, changed_at;
    bool has_moved;
    Rate rate;
  };
  std::map<format::SlotIndex, Seen> seen_;
};

}  // namespace metrics::inspect::top
