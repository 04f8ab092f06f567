#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/exposition/utc.h"
#include "libmetrics/format/editions.h"
#include "libmetrics/format/name.h"
#include "libmetrics/reader/dropped.h"
#include "libmetrics/reader/family_counts.h"
#include "tools/inspect/commands.h"
#include "tools/inspect/output.h"
#include "tools/inspect/path.h"
#include "tools/inspect/processes.h"
#include "tools/inspect/readings.h"

namespace metrics::inspect {
namespace {

bool is_named(const format::FamilyView& family, const std::string& name) {
  const auto names = format::sample_names(family.type, family.name);
  return std::find(names.begin(), names.end(), name) != names.end();
}

// One definition that a name has had.
struct Edition {
  std::size_t at;  // index into the catalogue's families
  bool is_last;    // of its group, whose shape is shown
  std::optional<std::size_t> hidden_by;
};

std::vector<Edition> editions_of(const reader::Catalogue& catalogue, const std::string& name) {
  std::vector<Edition> editions;
  for (const format::Group& group : catalogue.groups) {
    for (const std::size_t at : group.editions) {
      if (!is_named(catalogue.contents.families[at], name)) continue;
      editions.push_back({at, at == group.last, group.hidden_by});
    }
  }
  return editions;
}

// A process that has counted in one of the editions.
struct Counting {
  const Process* process;
  std::vector<std::size_t> editions;  // indices into the list of editions
};

// Answers the question for one segment.
class Answer {
 public:
  Answer(reader::Reader& reader, std::string name)
      : reader_(reader),
        catalogue_(reader.catalogue()),
        name_(std::move(name)),
        editions_(editions_of(*catalogue_, name_)) {}

  bool is_registered() const { return !editions_.empty(); }
  bool is_shown() const {
    return std::any_of(editions_.begin(), editions_.end(),
                       [](const Edition& e) { return !e.hidden_by; });
  }

  // Gathers everything; false, with the reader's why(), if it can't be read.
  bool gather() {
    const auto counts = reader::family_counts(reader_);
    if (counts.empty()) return false;
    const Processes processes(reader_);
    const std::vector<Process> counted = processes.counted(*catalogue_, counts);
    lines_.push_back(verdict());
    json_ = {{"name", name_},
             {"segment", reader_.file()},
             {"registered", is_registered()},
             {"shown", is_shown()},
             {"editions", Json::array()},
             {"refused", Json::array()},
             {"counted_by", Json::array()}};
    for (std::size_t i = 0; i < editions_.size(); ++i) add_edition(i);
    add_refusals();
    add_processes(counted, counts);
    add_shared(counts);
    return true;
  }
  void add_others(const std::vector<std::string>& segments) {
    json_["other_segments"] = segments;
    for (const std::string& file : segments) lines_.push_back("  another segment has it: " + file);
  }
  const Json& json() const { return json_; }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  const format::FamilyView& family(std::size_t at) const {
    return catalogue_->contents.families[at];
  }
  std::string verdict() const {
    if (!is_registered()) {
      return name_ + ": not registered: no process has defined it in " + reader_.file();
    }
    return name_ + (is_shown() ? ": registered and shown" : ": registered, counted, not shown");
  }
  void add_edition(std::size_t i) {
    const Edition& e = editions_[i];
    const format::FamilyView& f = family(e.at);
    std::uint64_t series = 0, first_ns = ~std::uint64_t{0};
    for (const format::SeriesView& s : catalogue_->contents.series) {
      if (s.family != f.offset) continue;
      ++series;
      if (s.created_ns != 0) first_ns = std::min(first_ns, s.created_ns);
    }
    Json entry = {{"definition", format::described(f)}, {"last", e.is_last}, {"series", series}};
    std::string line = "  edition " + std::to_string(i + 1) + " of " +
                       std::to_string(editions_.size()) + ": " + format::described(f) + ", " +
                       std::to_string(series) + " series";
    if (series > 0 && first_ns != ~std::uint64_t{0}) {
      entry["since"] = exposition::utc(first_ns);
      line += " since " + exposition::utc(first_ns);
    }
    if (f.registrant != 0) {
      entry["registered_by"] = f.registrant;
      line += ", registered by process " + std::to_string(f.registrant);
    }
    if (e.is_last && editions_.size() > 1) line += "; its shape is shown";
    lines_.push_back(std::move(line));
    if (e.hidden_by) {
      const std::string by = format::described(family(*e.hidden_by));
      entry["hidden_by"] = by;
      lines_.push_back("    hidden by the " + by +
                       ", which was opened later and has a sample of "
                       "the same name");
    }
    if (series == 0)
      lines_.push_back(
          "    it has no series: nobody has looked up labels, or all "
          "were removed");
    json_["editions"].push_back(std::move(entry));
  }
  // What was refused of it. The last refusal's name is cut to 40 bytes.
  void add_refusals() {
    for (const reader::DropReport& d : reader::drop_report(reader_)) {
      if (d.count == 0) continue;
      const bool is_last = d.last.when_ns != 0 && is_name_of(d.last.family);
      bool was_refused = false;
      for (const Edition& e : editions_) {
        was_refused =
            was_refused || (family(e.at).refusals >> static_cast<unsigned>(d.reason.drop) & 1) != 0;
      }
      if (!is_last && !was_refused) continue;
      Json entry = {{"reason", d.reason.reason}, {"now", d.now}};
      std::string line = "  refused: " + std::string(d.reason.reason);
      if (d.since_ns != 0) {
        // The first that was refused for that reason may have been another family's.
        entry["reason_since"] = exposition::utc(d.since_ns);
        line += ", which began at " + exposition::utc(d.since_ns);
      }
      if (is_last) {
        entry["last"] = {{"pid", d.last.pid}, {"time", exposition::utc(d.last.when_ns)}};
        line += ", last by process " + std::to_string(d.last.pid) + " at " +
                exposition::utc(d.last.when_ns);
      }
      if (d.now) line += "; it would be refused again now";
      json_["refused"].push_back(std::move(entry));
      lines_.push_back(std::move(line));
    }
  }
  bool is_name_of(const std::string& cut) const {
    if (cut.empty()) return false;
    const auto names = is_registered() ? format::sample_names(family(editions_[0].at).type,
                                                              family(editions_[0].at).name)
                                       : std::vector<std::string>{name_};
    const auto begins = [&](const std::string& name) { return name.starts_with(cut); };
    return std::any_of(names.begin(), names.end(), begins) || format::stem(name_).starts_with(cut);
  }
  bool is_one(std::uint32_t at) const {
    return std::any_of(editions_.begin(), editions_.end(),
                       [&](const Edition& e) { return e.at == at; });
  }
  void add_processes(const std::vector<Process>& processes,
                     const std::vector<reader::FamilyCounts>& counts) {
    for (const Process& p : processes) {
      if (std::none_of(p.families.begin(), p.families.end(),
                       [&](std::uint32_t at) { return is_one(at); })) {
        continue;
      }
      const reader::HeadCopy& head = p.slot.head;
      double sum = 0;
      for (const reader::FamilyCounts& c : counts) {
        if (c.slot == head.slot) sum += counted_in(c);
      }
      const std::string state(reader::to_string(p.slot.state));
      json_["counted_by"].push_back({{"slot", head.slot},
                                     {"pid", head.pid},
                                     {"command", head.command},
                                     {"state", state},
                                     {"counted", spelled(sum)}});
      lines_.push_back("  counted by " + std::to_string(head.pid) + ' ' + head.command + " (" +
                       state + ", slot " + std::to_string(head.slot) + "): " + spelled(sum));
    }
  }
  double counted_in(const reader::FamilyCounts& counts) const {
    double sum = 0;
    for (const reader::FamilyCounts::Family& f : counts.families) {
      if (is_one(f.family)) sum += f.counted;
    }
    return sum;
  }
  void add_shared(const std::vector<reader::FamilyCounts>& counts) {
    for (const reader::FamilyCounts& c : counts) {
      const double sum = c.slot == 0 ? counted_in(c) : 0;
      if (sum == 0) continue;
      json_["counted_by"].push_back({{"slot", 0}, {"counted", spelled(sum)}});
      lines_.push_back("  counted in the shared slot 0, by processes without a slot: " +
                       spelled(sum));
    }
  }

  reader::Reader& reader_;
  const std::shared_ptr<const reader::Catalogue> catalogue_;
  const std::string name_;
  const std::vector<Edition> editions_;
  Json json_;
  std::vector<std::string> lines_;
};

// Returns the other segments in the directory of that one that have the name.
std::vector<std::string> others_with(const std::string& name, const std::string& file) {
  std::vector<std::string> found;
  const std::string directory = file.substr(0, file.rfind('/') + 1);
  for (const std::string& other : format::segment_files_in(directory)) {
    reader::Reader reader(other);
    if (other == file || !reader.look()) continue;
    if (!editions_of(*reader.catalogue(), name).empty()) found.push_back(other);
  }
  return found;
}

}  // namespace

int why(const std::string& path, const std::string& name, Format format) {
  reader::Reader reader(segment_at(path));
  if (!reader.look()) return unreadable(reader.why());
  Answer answer(reader, name);
  if (!answer.gather()) return unreadable(reader.why());
  if (!answer.is_registered()) answer.add_others(others_with(name, reader.file()));
  if (format == Format::kJson) {
    print(answer.json());
  } else {
    for (const std::string& line : answer.lines()) print_line(line);
  }
  return answer.is_shown() ? kFine : kFault;
}

}  // namespace metrics::inspect
