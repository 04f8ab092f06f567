#include "tools/inspect/answer.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "aggregator/exposition/samples.h"
#include "aggregator/exposition/utc.h"
#include "libmetrics/format/name.h"
#include "libmetrics/reader/dropped.h"
#include "tools/inspect/definitions.h"
#include "tools/inspect/readings.h"

namespace metrics::inspect {
namespace {

// Returns true if a scrape shows in that family what was counted in that definition. Numbers of
// processes by their states are shown as a gauge.
bool is_shown_in(const reader::Family& family, const format::FamilyView& definition) {
  if (definition.type == format::Type::kStateSet && family.type == format::Type::kGauge) {
    return definition.name == family.name;
  }
  return format::are_one(definition.type, definition.name, family.type, family.name);
}

// Returns what was done to something of the family.
std::string_view was_done(format::Dropped what) {
  switch (what) {
    case format::Dropped::kUpdate:
      return "updates dropped";
    case format::Dropped::kExemplar:
      return "exemplars dropped";
    case format::Dropped::kLabelText:
      return "label values cut";
    case format::Dropped::kSeries:
    case format::Dropped::kClaim:
      break;
  }
  return "refused";
}

}  // namespace

Answer::Answer(const Evidence& evidence, const Selector& selector, std::string name,
               const std::vector<std::size_t>& definitions)
    : evidence_(evidence), selector_(selector), name_(std::move(name)) {
  find_editions(definitions);
  shown_series_ = shown_series();
  lines_.push_back(name_ + ": " + verdict());
  json_ = {{"name", name_},
           {"segment", evidence_.reader.file()},
           {"registered", !editions_.empty()},
           {"shown", is_shown()},
           {"verdict", verdict()},
           {"editions", Json::array()},
           {"refused", Json::array()},
           {"counted_by", Json::array()}};
  for (std::size_t i = 0; i < editions_.size(); ++i) add_edition(i);
  add_advice();
  add_refusals();
  add_processes();
  add_shared();
}

void Answer::find_editions(const std::vector<std::size_t>& definitions) {
  std::map<format::Offset, std::size_t> by_offset;
  for (const format::Group& group : evidence_.catalogue.groups) {
    for (const std::size_t at : group.editions) {
      if (std::find(definitions.begin(), definitions.end(), at) == definitions.end()) continue;
      editions_.push_back({at, at == group.last, group.hidden_by});
      by_offset.emplace(family(editions_.back()).offset, editions_.size() - 1);
    }
  }
  for (const format::SeriesView& s : evidence_.catalogue.contents.series) {
    const auto there = s.is_live() ? by_offset.find(s.family) : by_offset.end();
    if (there == by_offset.end()) continue;
    Edition& e = editions_[there->second];
    ++e.series;
    if (s.created_ns != 0 && (e.first_ns == 0 || s.created_ns < e.first_ns)) {
      e.first_ns = s.created_ns;
    }
  }
}

// Returns how many series have a sample that the selector matches, in a scrape.
std::uint64_t Answer::shown_series() const {
  std::uint64_t count = 0;
  for (const reader::Family& f : evidence_.families.families) {
    const bool is_one = std::any_of(editions_.begin(), editions_.end(), [&](const Edition& e) {
      return !e.hidden_by && is_shown_in(f, family(e));
    });
    if (!is_one) continue;
    for (const reader::Series& s : f.series) {
      const auto samples = exposition::samples_of(evidence_.families, f, s);
      count += std::any_of(samples.begin(), samples.end(), [&](const exposition::Sample& sample) {
        return selector_.matches(f, sample);
      });
    }
  }
  return count;
}

std::uint64_t Answer::live_series() const {
  std::uint64_t sum = 0;
  for (const Edition& e : editions_) sum += e.hidden_by ? 0 : e.series;
  return sum;
}

std::string Answer::verdict() const {
  if (editions_.empty()) {
    return "not registered: no process has defined it in " + evidence_.reader.file();
  }
  const bool is_hidden = std::all_of(editions_.begin(), editions_.end(),
                                     [](const Edition& e) { return e.hidden_by.has_value(); });
  if (is_hidden) return "registered, counted, not shown";
  if (is_shown()) return "registered and shown";
  if (live_series() == 0) return "registered, not shown: it has no series yet";
  if (selector_.has_labels()) return "registered, not shown: no series of it has these labels";
  return "registered, not shown: none of its series has a value now";
}

// Says what is to be done about a family that could be shown and is not.
void Answer::add_advice() {
  const auto last = std::find_if(editions_.begin(), editions_.end(),
                                 [](const Edition& e) { return e.is_last && !e.hidden_by; });
  if (is_shown() || last == editions_.end()) return;
  const format::FamilyView& f = family(*last);
  if (live_series() == 0) {
    std::string labels;
    for (const std::string_view label : f.labels) {
      labels.append(labels.empty() ? "" : ", ").append(label);
    }
    add_line("    nobody has looked up its labels (" + labels +
             "), or all of its series were removed; a scrape shows it from the next look-up on");
    return;
  }
  if (selector_.has_labels()) {
    const std::string unknown = unknown_label(evidence_.catalogue, selector_, {last->at});
    add_line(unknown.empty() ? "    'get " + std::string(f.name) + "' shows those that it has"
                             : "    " + unknown);
    return;
  }
  add_line(
      "    no process has set it; or its mode keeps the values of living processes alone, and "
      "those that have set it are dead");
}

void Answer::add_edition(std::size_t i) {
  const Edition& e = editions_[i];
  const format::FamilyView& f = family(e);
  Json entry = {{"definition", format::described(f)}, {"last", e.is_last}, {"series", e.series}};
  std::string line = "  edition " + std::to_string(i + 1) + " of " +
                     std::to_string(editions_.size()) + ": " + format::described(f) + ", " +
                     std::to_string(e.series) + " series";
  if (e.first_ns != 0) {
    entry["since"] = exposition::utc(e.first_ns);
    line += " since " + exposition::utc(e.first_ns);
  }
  if (f.registrant != 0) {
    entry["registered_by"] = f.registrant;
    line += ", registered by process " + std::to_string(f.registrant);
  }
  if (e.is_last && editions_.size() > 1) line += "; its shape is shown";
  add_line(std::move(line));
  if (e.hidden_by) {
    const std::string by = format::described(evidence_.catalogue.contents.families[*e.hidden_by]);
    entry["hidden_by"] = by;
    add_line("    hidden by the " + by +
             ", which was opened later and has a sample of the same name");
  }
  json_["editions"].push_back(std::move(entry));
}

// Adds what was refused or dropped of it. The last refusal's name is cut to 40 bytes.
void Answer::add_refusals() {
  for (const reader::DropReport& d : reader::drop_report(evidence_.reader)) {
    if (d.count == 0) continue;
    const bool is_last = d.last.when_ns != 0 && is_name_of(d.last.family);
    const bool was = std::any_of(editions_.begin(), editions_.end(), [&](const Edition& e) {
      return (family(e).refusals >> static_cast<unsigned>(d.reason.drop) & 1) != 0;
    });
    if (!is_last && !was) continue;
    Json entry = {{"what", format::to_string(d.reason.what)}, {"reason", d.reason.reason}};
    if (d.now) entry["now"] = *d.now;
    std::string line =
        "  " + std::string(was_done(d.reason.what)) + ": " + std::string(d.reason.reason);
    if (d.since_ns != 0) {
      // The first for that reason may have been another family's.
      entry["reason_since"] = exposition::utc(d.since_ns);
      line += ", which began at " + exposition::utc(d.since_ns);
    }
    if (is_last) {
      entry["last"] = {{"pid", d.last.pid}, {"time", exposition::utc(d.last.when_ns)}};
      line += ", last by process " + std::to_string(d.last.pid) + " at " +
              exposition::utc(d.last.when_ns);
    }
    if (d.now.value_or(false)) line += "; it would be refused again now";
    json_["refused"].push_back(std::move(entry));
    add_line(std::move(line));
  }
}

bool Answer::is_name_of(const std::string& cut) const {
  if (cut.empty()) return false;
  const auto names = !editions_.empty() ? format::sample_names(family(editions_[0]).type,
                                                               family(editions_[0]).name)
                                        : std::vector<std::string>{selector_.name};
  const auto begins = [&](const std::string& name) { return name.starts_with(cut); };
  return std::any_of(names.begin(), names.end(), begins) ||
         (editions_.empty() && format::stem(selector_.name).starts_with(cut));
}

bool Answer::has(std::uint32_t definition) const {
  return std::any_of(editions_.begin(), editions_.end(),
                     [&](const Edition& e) { return e.at == definition; });
}

void Answer::add_processes() {
  // Values of gauges are no count.
  const bool is_set = std::all_of(editions_.begin(), editions_.end(), [&](const Edition& e) {
    return format::is_of_processes(family(e).type);
  });
  for (const Process& p : evidence_.processes) {
    if (std::none_of(p.families.begin(), p.families.end(),
                     [&](std::uint32_t at) { return has(at); })) {
      continue;
    }
    const reader::HeadCopy& head = p.slot.head;
    double sum = 0;
    for (const reader::FamilyCounts& c : evidence_.counts) {
      if (c.slot == head.slot) sum += counted_in(c);
    }
    const std::string state(reader::to_string(p.slot.state));
    Json entry = {
        {"slot", head.slot}, {"pid", head.pid}, {"command", head.command}, {"state", state}};
    if (!is_set) entry["counted"] = spelled(sum);
    json_["counted_by"].push_back(std::move(entry));
    add_line((is_set ? "  set by " : "  counted by ") + std::to_string(head.pid) + ' ' +
             head.command + " (" + state + ", slot " + std::to_string(head.slot) + ')' +
             (is_set ? "" : ": " + spelled(sum)));
  }
}

double Answer::counted_in(const reader::FamilyCounts& counts) const {
  double sum = 0;
  for (const reader::FamilyCounts::Family& f : counts.families) {
    if (has(f.family)) sum += f.counted;
  }
  return sum;
}

void Answer::add_shared() {
  for (const reader::FamilyCounts& c : evidence_.counts) {
    const double sum = c.slot == 0 ? counted_in(c) : 0;
    if (sum == 0) continue;
    json_["counted_by"].push_back({{"slot", 0}, {"counted", spelled(sum)}});
    add_line("  counted in the shared slot 0, by processes without a slot: " + spelled(sum));
  }
}

}  // namespace metrics::inspect
