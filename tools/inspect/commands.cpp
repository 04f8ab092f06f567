#include "tools/inspect/commands.h"

#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "aggregator/exposition/text.h"
#include "libmetrics/format/name.h"
#include "libmetrics/format/types.h"
#include "libmetrics/reader/merge.h"
#include "libmetrics/reader/slot_report.h"
#include "libmetrics/reader/verify.h"
#include "tools/inspect/samples.h"

namespace metrics::inspect {
namespace {

using reader::Families;
using reader::Family;
using reader::Reader;
using reader::SegmentMerge;
using reader::Series;
using Json = nlohmann::ordered_json;

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void print(const Json& json) {
  print(json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n');
}

int unreadable(const std::string& why) {
  std::fprintf(stderr, "metrics-inspect: %s\n", why.c_str());
  return kFault;
}

std::string utc(std::uint64_t ns) {
  const auto seconds = static_cast<time_t>(ns / 1'000'000'000u);
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

// Columns as wide as their widest entry.
void print_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - row[i].size() + 2, ' ');
    }
    print(line + '\n');
  }
}

Json labels_json(const std::vector<reader::Label>& labels) {
  Json json = Json::object();
  for (const auto& label : labels) json[label.name] = label.value;
  return json;
}

Json families_json(const Families& families) {
  Json all = Json::array();
  for (const Family& f : families.families) {
    Json series = Json::array();
    for (const Series& s : f.series) {
      Json samples = Json::array();
      for (const Sample& sample : samples_of(families, f, s)) {
        samples.push_back({{"name", sample.name},
                           {"labels", labels_json(sample.labels)},
                           {"value", sample.value}});
      }
      series.push_back({{"labels", labels_json(s.labels)}, {"samples", std::move(samples)}});
    }
    all.push_back({{"name", f.name},
                   {"type", format::to_string(f.type)},
                   {"help", f.help},
                   {"unit", f.unit},
                   {"series", std::move(series)}});
  }
  return all;
}

void print_families(const Families& families) {
  for (const Family& f : families.families) {
    print(std::string(format::to_string(f.type)) + ' ' + f.name + ": " + f.help + '\n');
    for (const Series& s : f.series) {
      for (const Sample& sample : samples_of(families, f, s)) {
        print("  " + spelled(sample) + ' ' + sample.value + '\n');
      }
    }
  }
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
  return std::to_string(whole == 0 ? 0 : part * 100 / whole) + '%';
}

}  // namespace

int ls(const std::string& path, Format format) {
  std::error_code error;
  std::vector<std::string> files;
  std::string directory = path.empty() ? format::segment_variable() : path;
  if (!std::filesystem::is_directory(directory, error)) {
    directory = path.empty()
                    ? std::filesystem::path(format::segment_file(path)).parent_path().native()
                    : "";
  }
  if (!directory.empty()) {
    files = format::segment_files_in(directory);
    if (files.empty()) {
      std::fprintf(stderr, "metrics-inspect: there are no segments in %s (yet)\n",
                   directory.c_str());
    }
  } else {
    files = {format::segment_file(path)};
  }
  Json json = Json::array();
  std::vector<std::vector<std::string>> rows = {{"SEGMENT", "MEMORY", "SLOTS", "LIVE", "FAMILIES",
                                                 "SERIES", "CELLS", "DIRECTORY", "CREATED"}};
  int result = kFine;
  for (const std::string& file : files) {
    Reader reader(file);
    if (!reader.look()) {
      json.push_back({{"segment", file}, {"error", reader.why()}});
      result = unreadable(reader.why());
      continue;
    }
    struct stat info {};
    ::stat(file.c_str(), &info);
    constexpr std::uint64_t kBlock = 512;  // of st_blocks
    const std::uint64_t memory = static_cast<std::uint64_t>(info.st_blocks) * kBlock;
    const auto report = reader::slot_report(reader);
    const auto live = std::count_if(report.begin(), report.end(), [](const reader::SlotReport& s) {
      return s.state == reader::SlotReport::State::kLive;
    });
    const auto& g = reader.geometry();
    const auto& usage = reader.usage();
    const auto& contents = reader.catalogue()->contents;
    json.push_back(
        {{"segment", file},
         {"memory_bytes", memory},
         {"slots_used", report.size()},
         {"slots_live", live},
         {"slots_capacity", g.first_slots + g.lanes},
         {"families", contents.families.size()},
         {"series", contents.series.size()},
         {"cells_used", usage.cells_used},
         {"cells_capacity", g.cells},
         {"directory_used_bytes", usage.directory_used},
         {"directory_capacity_bytes", g.directory_bytes},
         {"created", utc(usage.created_ns)},
         {"format", std::to_string(format::kMajor) + '.' + std::to_string(usage.minor)}});
    rows.push_back({file, std::to_string(memory / 1024) + "K", std::to_string(report.size()),
                    std::to_string(live), std::to_string(contents.families.size()),
                    std::to_string(contents.series.size()), percent(usage.cells_used, g.cells),
                    percent(usage.directory_used, g.directory_bytes), utc(usage.created_ns)});
  }
  format == Format::kJson ? print(json) : print_table(rows);
  return result;
}

int slots(const std::string& path, Format format) {
  Reader reader(format::segment_file(path));
  if (!reader.look()) return unreadable(reader.why());
  Json json = Json::array();
  std::vector<std::vector<std::string>> rows = {
      {"SLOT", "KIND", "STATE", "PID", "COMMAND", "GENERATION", "CLAIMED"}};
  for (const reader::SlotReport& s : reader::slot_report(reader)) {
    const std::string kind = s.is_lane ? "thread" : "process";
    const std::string state(reader::to_string(s.state));
    json.push_back({{"slot", s.head.slot},
                    {"kind", kind},
                    {"state", state},
                    {"pid", s.head.pid},
                    {"pid_namespace", s.head.pid_namespace},
                    {"command", s.head.command},
                    {"generation", s.head.generation},
                    {"claimed", utc(s.head.claimed_ns)}});
    rows.push_back({std::to_string(s.head.slot), kind, state, std::to_string(s.head.pid),
                    s.head.command, std::to_string(s.head.generation), utc(s.head.claimed_ns)});
  }
  format == Format::kJson ? print(json) : print_table(rows);
  return kFine;
}

int dump(const std::string& path, Format format) {
  SegmentMerge merge(format::segment_file(path));
  if (!merge.read()) return unreadable(merge.why());
  format == Format::kJson ? print(families_json(merge.families()))
                          : print_families(merge.families());
  return kFine;
}

int dump_per_slot(const std::string& path, Format format) {
  Reader reader(format::segment_file(path));
  if (!reader.look()) return unreadable(reader.why());
  SegmentMerge merge(reader.file());
  Json json = Json::array();
  for (const format::SlotIndex slot : reader.used_slots()) {
    if (!merge.read_slot(slot)) return unreadable(merge.why());
    if (format == Format::kJson) {
      json.push_back({{"slot", slot}, {"families", families_json(merge.families())}});
    } else {
      print("slot " + std::to_string(slot) + '\n');
      print_families(merge.families());
    }
  }
  if (format == Format::kJson) print(json);
  return kFine;
}

int get(const std::string& path, const std::string& text, Format format) {
  const Selector selector = parse_selector(text);
  SegmentMerge merge(format::segment_file(path));
  if (!merge.read()) return unreadable(merge.why());
  Json json = Json::array();
  for (const Family& f : merge.families().families) {
    for (const Series& s : f.series) {
      for (const Sample& sample : samples_of(merge.families(), f, s)) {
        if (!selector.matches(f, sample)) continue;
        json.push_back({{"name", sample.name},
                        {"labels", labels_json(sample.labels)},
                        {"value", sample.value}});
        if (format == Format::kText) print(spelled(sample) + ' ' + sample.value + '\n');
      }
    }
  }
  if (format == Format::kJson) print(json);
  return json.empty() ? unreadable("no sample matches " + text + "; 'dump' shows all") : kFine;
}

int verify(const std::string& path, Format format) {
  Reader reader(format::segment_file(path));
  const std::vector<std::string> faults = reader::verify(reader);
  if (format == Format::kJson) {
    print(Json{{"segment", reader.file()}, {"faults", faults}});
  } else {
    for (const std::string& fault : faults) print(fault + '\n');
    print(reader.file() + ": " + std::to_string(faults.size()) +
          (faults.size() == 1 ? " fault\n" : " faults\n"));
  }
  return faults.empty() ? kFine : kFault;
}

int expose(const std::string& path, Format format) {
  SegmentMerge merge(format::segment_file(path));
  if (!merge.read()) return unreadable(merge.why());
  if (format == Format::kJson) {
    print(families_json(merge.families()));
    return kFine;
  }
  std::string text;
  exposition::TextEncoder().encode(merge.families(), text);
  print(text);
  return kFine;
}

}  // namespace metrics::inspect
