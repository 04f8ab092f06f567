#include "libmetrics/format/definition.h"

#include <algorithm>
#include <cmath>

#include "libmetrics/format/error.h"
#include "libmetrics/format/escaping.h"
#include "libmetrics/format/exemplar.h"
#include "libmetrics/format/gauge_value.h"
#include "libmetrics/format/utf8.h"

namespace metrics::format {
namespace {

std::string quoted(std::string_view s) { return '"' + std::string(s) + '"'; }

void check_text(std::string_view what, std::string_view text) {
  if (text.size() > kMaxStringBytes) {
    refuse(std::string(what) + " is " + std::to_string(text.size()) + " bytes long; at most " +
           std::to_string(kMaxStringBytes) + " fit");
  }
  if (valid_utf8(text) != text) refuse(std::string(what) + " is not valid UTF-8");
}

void check_name(const std::string& name) {
  check_text("the metric name", name);
  if (name.empty()) refuse("the metric name is empty; write one, e.g. \"tasks_total\"");
}

void check_labels(const Definition& d) {
  if (d.labels.size() > kMaxLabels) {
    refuse("family " + quoted(d.name) + " has " + std::to_string(d.labels.size()) +
           " labels; at most " + std::to_string(kMaxLabels) + " are possible");
  }
  for (auto label = d.labels.begin(); label != d.labels.end(); ++label) {
    const std::string where = "label name " + quoted(*label) + " of family " + quoted(d.name);
    check_text(where, *label);
    if (label->empty()) refuse("a label name of family " + quoted(d.name) + " is empty; write one");
    if (label->starts_with("__")) {
      refuse(where + " is reserved: names that begin with \"__\" are Prometheus's own; write " +
             quoted(label->substr(std::min(label->find_first_not_of('_'), label->size() - 1))));
    }
    if (*label == "le") refuse(where + " is reserved for histogram buckets; choose another name");
    if (*label == "quantile" && d.type == Type::kSummary) {
      refuse(where + " is reserved for quantiles; choose another name");
    }
    if (*label == "pid" && (d.type == Type::kGauge || d.type == Type::kStateSet) &&
        is_per_process(d.mode)) {
      refuse(where + " is reserved: " + std::string(to_string(d.type)) + "s of mode " +
             quoted(to_string(d.mode)) +
             " get a pid label for each process; choose another name or another mode");
    }
    if (std::find(d.labels.begin(), label, *label) != label) {
      refuse(where + " is there twice; remove one");
    }
  }
}

void check_bounds(const Definition& d) {
  if (d.bounds.size() > kMaxBounds) {
    refuse("histogram " + quoted(d.name) + " has " + std::to_string(d.bounds.size()) +
           " bounds; at most " + std::to_string(kMaxBounds) + " are possible");
  }
  for (std::size_t i = 0; i < d.bounds.size(); ++i) {
    const std::string where =
        "bound " + std::to_string(i) + " of histogram " + quoted(d.name) + " is ";
    if (!std::isfinite(d.bounds[i])) {
      refuse(where + "not finite; leave it out, the +Inf bucket is always there");
    }
    if (i > 0 && d.bounds[i] <= d.bounds[i - 1]) {
      refuse(where + std::to_string(d.bounds[i]) + ", not above the one before it, " +
             std::to_string(d.bounds[i - 1]) + "; write the bounds in ascending order, each once");
    }
  }
  if (!d.native) return;
  if (const std::string fault = fault_of(*d.native); !fault.empty()) {
    refuse("histogram " + quoted(d.name) + ' ' + fault);
  }
}

// Checks the states of a state set, and its name: that is also the name of the label whose values
// are the states.
void check_states(const Definition& d) {
  const std::string set = "state set " + quoted(d.name);
  if (d.states.empty()) refuse(set + " has no states; name at least one");
  if (d.states.size() > kMaxStates) {
    refuse(set + " has " + std::to_string(d.states.size()) + " states; at most " +
           std::to_string(kMaxStates) + " are possible");
  }
  for (auto state = d.states.begin(); state != d.states.end(); ++state) {
    const std::string where = "state " + std::to_string(state - d.states.begin()) + " of " + set;
    check_text(where, *state);
    if (state->empty()) refuse(where + " is empty; give it a name");
    if (std::find(d.states.begin(), state, *state) != state) {
      refuse(where + ", " + quoted(*state) + ", is there twice; remove one");
    }
  }
  const std::string label = set + " has a label of its own name for its states";
  if (d.name.find(':') != std::string::npos || d.name.starts_with("__")) {
    refuse(label +
           ", and label names have no ':' and don't begin with \"__\"; choose another name");
  }
  if (d.name == "le" || d.name == "segment" || (d.name == "pid" && is_per_process(d.mode))) {
    refuse(label + ", and that label is reserved; choose another name");
  }
  if (std::find(d.labels.begin(), d.labels.end(), d.name) != d.labels.end()) {
    refuse(label + ", so that it can't have another one of that name; rename the label");
  }
}

// Checks the mode; a type without modes gets the first one.
void check_mode(Definition& d) {
  switch (values_of(d.type)) {
    case Values::kInfo:
      if (d.mode == Mode::kAll || d.mode == Mode::kMostRecent) return;
      refuse("info " + quoted(d.name) + " can't have the mode " + quoted(to_string(d.mode)) +
             "; leave it out, or write " + quoted(to_string(Mode::kMostRecent)) +
             ", for the last statement to stay when no process lives that has made it");
    case Values::kState:
      if (is_most_recent(d.mode) || is_per_process(d.mode) || d.mode == Mode::kLiveSum) return;
      refuse("state set " + quoted(d.name) + " can't have the mode " + quoted(to_string(d.mode)) +
             ": states have no order and no sum; write livemostrecent, mostrecent, liveall or all, "
             "or livesum, for the number of processes in each state");
    case Values::kGauge:
      return;
    default:
      d.mode = Mode{};
  }
}

}  // namespace

Definition checked(Definition given) {
  Definition d = std::move(given);
  check_name(d.name);
  check_text("the help of family " + quoted(d.name), d.help);
  const auto strip = [&d](std::string_view ending) {
    if (d.name.ends_with(ending) && d.name.size() > ending.size()) {
      d.name.resize(d.name.size() - ending.size());
    }
  };
  if (const auto ending = row_of(d.type).name_ending; !ending.empty()) strip(ending);
  if (!d.unit.empty()) {
    check_text("the unit of family " + quoted(d.name), d.unit);
    if (!is_legacy_name('_' + d.unit, NameOf::kLabel)) {
      refuse("unit " + quoted(d.unit) + " of family " + quoted(d.name) +
             " may hold only letters, digits and '_'");
    }
    if (d.type == Type::kInfo || d.type == Type::kStateSet) {
      refuse((d.type == Type::kInfo ? "info " : "state set ") + quoted(d.name) +
             " can't have a unit; leave it out");
    }
    if (!d.name.ends_with('_' + d.unit)) d.name += '_' + d.unit;
  }
  check_mode(d);
  check_labels(d);
  if (d.type == Type::kStateSet) {
    check_states(d);
  } else if (!d.states.empty()) {
    refuse("only state sets have states, " + quoted(d.name) + " is a " +
           std::string(to_string(d.type)));
  }
  if (!d.bounds.empty() && d.bounds.back() == HUGE_VAL) d.bounds.pop_back();
  if (!has_buckets(d.type) && !d.bounds.empty()) {
    refuse("only histograms have bounds, " + quoted(d.name) + " is a " +
           std::string(to_string(d.type)));
  }
  if (!has_buckets(d.type) && d.native) {
    refuse("only histograms have native buckets, " + quoted(d.name) + " is a " +
           std::string(to_string(d.type)));
  }
  check_bounds(d);
  if (d.exemplars && place_count(d.type, 0, false) == 0) {
    refuse("only counters and histograms have exemplars, " + quoted(d.name) + " is a " +
           std::string(to_string(d.type)));
  }
  return d;
}

}  // namespace metrics::format
