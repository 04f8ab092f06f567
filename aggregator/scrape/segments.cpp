#include "aggregator/scrape/segments.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>

#include "aggregator/log.h"
#include "aggregator/scrape/neighbours.h"
#include "libmetrics/format/editions.h"
#include "libmetrics/format/escaping.h"
#include "libmetrics/format/name.h"
#include "libmetrics/format/utf8.h"
#include "libmetrics/reader/dropped.h"

namespace metrics::scrape {
namespace {

// Returns true for a path that is a directory, or that ends with '/': a directory that does not
// exist yet can be recognized only by that.
bool is_directory(const std::string& path) {
  std::error_code error;
  return path.ends_with('/') || std::filesystem::is_directory(path, error);
}

// Returns the name by which users know a segment: its path without the format's version. A label's
// value must be UTF-8, which a path need not be.
std::string segment_name(const std::string& file) {
  const std::string ending = format::segment_ending();
  return format::valid_utf8(file.ends_with(ending)
                                ? std::string_view(file).substr(0, file.size() - ending.size())
                                : file);
}

const char* what_was_dropped(format::Dropped what) {
  switch (what) {
    case format::Dropped::kUpdate:
      return "updates were dropped; see metrics_segment_dropped_updates_total";
    case format::Dropped::kSeries:
      return "families or series were refused; see metrics_segment_dropped_series_total";
    case format::Dropped::kLabelText:
      return "label values were too long and are cut; see metrics_segment_cut_label_values_total";
    case format::Dropped::kExemplar:
      return "exemplars were dropped; see metrics_segment_dropped_exemplars_total";
    case format::Dropped::kClaim:
      break;
  }
  return "processes or threads have no slot of their own: they count in the shared one, and a "
         "process without one has no gauges; see metrics_segment_dropped_slot_claims_total";
}

// Segments stay open from scrape to scrape. A quarter of the files that this process may open is
// kept for connections.
std::size_t most_open_segments() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return std::string::npos;
  return files.rlim_cur - files.rlim_cur / 4;
}

// A segment that could not be read beside others is left alone for that many times as long as the
// attempt took. So those that can't be read take a twentieth of the time at most.
constexpr int kLeftAlone = 20;

// Of files that can't be read, or families that are hidden: others can make any number.
constexpr std::size_t kMostLines = 20;

}  // namespace

Segments::Segments(std::vector<std::string> given, reader::Access access, Owners owners,
                   std::chrono::milliseconds patience, Expiry::Clock::duration expire_after)
    : is_default_(given.empty()),
      given_(is_default_ ? std::vector<std::string>{""} : std::move(given)),
      access_(access),
      owners_(std::move(owners)),
      patience_(patience),
      expire_after_(expire_after),
      most_open_(most_open_segments()),
      labelled_(given_.size() > 1) {}

void Segments::use(reader::Threads threads) {
  threads_ = threads;
  for (auto& [file, served] : served_) served->merge.use(threads);
}

// Finds the files to serve. Directories are searched anew each time, since segments come and go.
void Segments::find() {
  std::vector<std::string> files;
  for (const std::string& path : given_) {
    if (!path.empty() && is_directory(path)) {
      labelled_ = true;
      const auto found = format::segment_files_in(path);
      files.insert(files.end(), found.begin(), found.end());
      // A directory that can't be listed is treated as a segment that can't be read, so that the
      // same reason is logged and shown for it.
      if (::access(path.c_str(), R_OK | X_OK) != 0) files.push_back(path);
    } else {
      files.push_back(format::segment_file(path));
    }
  }
  std::sort(files.begin(), files.end());
  std::erase_if(served_, [&](const auto& entry) {
    const bool gone = !std::binary_search(files.begin(), files.end(), entry.first);
    if (gone) aggregator::log_info("segment is gone", {{"segment", entry.first}});
    return gone;
  });
  for (const std::string& file : files) {
    if (served_.contains(file)) continue;
    const auto admit = [this, file](const struct stat& opened) {
      return owners_.refusal(file, opened);
    };
    const auto added =
        served_.emplace(file, std::make_unique<Served>(file, access_, admit, expire_after_));
    added.first->second->merge.use(threads_);
  }
}

void Segments::log_changes(Served& served, const std::vector<SegmentState::Hidden>& hidden) {
  const std::string& why = served.why;
  if (served.logged != why) {
    if (why.empty()) {
      aggregator::log_info("serving", {{"segment", served.merge.file()},
                                       {"commands", living_commands(served.merge.reader())}});
    } else if (++lines_ <= kMostLines) {
      aggregator::log_warn("segment can't be read",
                           {{"segment", served.merge.file()}, {"reason", why}});
    } else if (lines_ == kMostLines + 1) {
      aggregator::log_warn(
          "more segments can't be read; metrics_segment_unusable_info has the reasons");
    }
    served.logged = why;
  }
  const std::size_t faults =
      why.empty() ? served.merge.reader().catalogue()->faults.size() : served.faults;
  if (faults > served.faults) {
    aggregator::log_warn("segment's directory has faults; the records concerned are left out",
                         {{"segment", served.merge.file()},
                          {"faults", std::to_string(faults)},
                          {"first", served.merge.reader().catalogue()->faults.front()}});
  }
  served.faults = faults;
  if (!why.empty()) return;
  // Each reason is logged only once; the counters show how often it occurred.
  for (const reader::DropReport& d : reader::drop_report(served.merge.reader())) {
    const auto i = static_cast<std::size_t>(d.reason.drop);
    if (served.dropped[i] || d.count == 0) continue;
    served.dropped[i] = true;
    const aggregator::LogField segment{"segment", served.merge.file()};
    const aggregator::LogField reason{"reason", std::string(d.reason.reason)};
    if (d.last.family.empty()) {
      aggregator::log_warn(what_was_dropped(d.reason.what), {segment, reason});
    } else {
      aggregator::log_warn(what_was_dropped(d.reason.what),
                           {segment, reason, {"family", d.last.family}});
    }
  }
  log_hidden(served, hidden);
}

// Logs hidden families whenever there are others than before.
void Segments::log_hidden(Served& served, const std::vector<SegmentState::Hidden>& hidden) {
  if (hidden == served.hidden) return;
  served.hidden = hidden;
  if (hidden.empty()) {
    aggregator::log_info("no family is hidden any more", {{"segment", served.merge.file()}});
    return;
  }
  std::size_t lines = 0;
  for (const reader::Hidden& h : reader::hidden_families(*served.merge.reader().catalogue())) {
    if (++lines > kMostLines) break;
    const std::string_view where =
        h.where_escaped ? " to servers that see names escaped: it then shares" : ": it shares";
    aggregator::log_warn("the " + format::described(*h.family) + " is counted but not shown" +
                             std::string(where) + " a sample name with the " +
                             format::described(*h.served) +
                             ", whose program has started later; rename one",
                         {{"segment", served.merge.file()}});
  }
}

// Opens the files, and looks at their headers. Files that were segments before come first, so that
// others can't take their place when too many are open.
std::vector<Segments::Served*> Segments::examined() {
  std::vector<Served*> order;
  for (auto& [file, served] : served_) order.push_back(served.get());
  std::stable_partition(order.begin(), order.end(), [](const Served* s) { return s->up; });
  std::vector<Served*> fine;
  for (Served* served : order) {
    served->up = false;
    served->spent = {};
    if (fine.size() >= most_open_) {
      served->why = served->merge.file() +
                    " would be one more than this process may have open: raise LimitNOFILE or "
                    "ulimit -n, or serve fewer segments";
      served->merge.close();
    } else if (served_.size() > 1 && Clock::now() < served->again) {
      continue;  // it keeps its reason
    } else if (served->merge.examine()) {
      fine.push_back(served);
    } else {
      served->why = served->merge.why();
    }
  }
  return fine;
}

// Reads those first that need the least of what all share, time included.
void Segments::read_each(Exemplars exemplars) {
  const auto deadline = served_.size() > 1 ? Clock::now() + patience_ : Clock::time_point::max();
  reader::Allowance allowance(deadline);
  std::vector<Served*> left = examined();
  const auto step = [&](auto need, auto read) {
    std::stable_sort(left.begin(), left.end(),
                     [&](Served* a, Served* b) { return need(a->merge) < need(b->merge); });
    std::erase_if(left, [&](Served* served) {
      const auto begun = Clock::now();
      const bool fine = read(served->merge);
      const auto now = Clock::now();
      served->spent += now - begun;
      if (fine) return false;
      served->why = served->merge.why();
      served->again = now + kLeftAlone * served->spent;
      return true;
    });
  };
  using reader::SegmentMerge;
  const auto excess = [](SegmentMerge& merge, const reader::Cost& cost) {
    return reader::excess_of(cost, merge.reader().usage().space_taken);
  };
  step(
      [&](SegmentMerge& m) {
        const reader::Cost cost = m.cost_of_directory();
        return std::pair(excess(m, cost).copy, cost.copy);
      },
      [&](SegmentMerge& m) { return m.read_directory(allowance); });
  step(
      [&](SegmentMerge& m) {
        const reader::Cost cost = m.cost_of_values();
        return std::pair(excess(m, cost).exposition, cost.exposition);
      },
      [&](SegmentMerge& m) {
        return m.read_values(allowance) && (exemplars == Exemplars::kNone || m.read_exemplars());
      });
  for (Served* served : left) {
    served->up = true;
    served->why.clear();
  }
}

// Returns the name of the user that the file belongs to; empty if none could be opened yet. Each
// user is looked up once: a database of users may be a server far away.
std::string Segments::owner_of(const Served& served) {
  const std::optional<uid_t> owner = served.merge.owner_of_file();
  if (!owner) return "";
  const auto [name, is_new] = owner_names_.try_emplace(*owner);
  if (is_new) name->second = user_name(*owner);
  return name->second;
}

// Logs, each once, the default segments of other users: an operator who has given no segment may
// mean one of them. Looks as long as this user has none.
void Segments::log_neighbours() {
  if (!is_default_ || (looked_for_neighbours_ && states_.front().up)) return;
  looked_for_neighbours_ = true;
  for (const Neighbour& n : neighbours(served_.begin()->first)) {
    if (neighbours_.size() >= kMostNeighbours || !neighbours_.insert(n.file).second) continue;
    aggregator::log_info(
        "another user's default segment is here; to serve it, give its path as --segment, and its "
        "user as --segment.owner",
        {{"segment", n.file}, {"user", n.user}});
  }
}

void Segments::read(Exemplars exemplars) {
  find();
  read_each(exemplars);
  states_.clear();
  lines_ = 0;
  const auto now = Expiry::Clock::now();
  for (auto& [file, served] : served_) {
    std::vector<SegmentState::Hidden> hidden;
    if (served->up) {
      served->expiry.look(served->merge.families(), now);
      for (const reader::Hidden& h : reader::hidden_families(*served->merge.reader().catalogue())) {
        hidden.push_back(
            {std::string(h.family->name), std::string(format::to_string(h.family->type)),
             std::string(h.served->name), std::string(format::to_string(h.served->type)),
             h.where_escaped ? std::string(format::to_string(format::Escaping::kUnderscores))
                             : ""});
      }
    }
    log_changes(*served, hidden);
    states_.push_back({segment_name(file), served->up, format::valid_utf8(served->why),
                       &served->merge.reader(), owner_of(*served), std::move(hidden),
                       served->up ? served->expiry.count() : 0});
  }
  log_neighbours();
}

std::vector<Source> Segments::sources() const {
  std::vector<Source> sources;
  auto state = states_.begin();
  for (const auto& [file, served] : served_) {
    sources.push_back({&served->merge.families(), labelled_ ? state->name : "", false,
                       served->up ? served->expiry.left_out() : nullptr});
    ++state;
  }
  return sources;
}

}  // namespace metrics::scrape
