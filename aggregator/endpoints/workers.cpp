#include "aggregator/endpoints/workers.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "aggregator/endpoints/paging.h"
#include "aggregator/exposition/segment_json.h"
#include "libmetrics/format/clock.h"
#include "libmetrics/reader/slot_report.h"

namespace metrics::endpoints {
struct Answers::Workers::Worker {
  const scrape::SegmentState* segment;
  reader::SlotReport slot;
  reader::SlotCount count = {};
  double counted() const { return count.counters + static_cast<double>(count.observations); }
};

namespace {

// Reads "3,17,1025", slots' numbers; empty: all. Throws std::invalid_argument.
std::set<format::SlotIndex> slots_of(const http::Request& request) {
  const std::string text = parameter(request, "slots");
  std::set<format::SlotIndex> slots;
  for (const char *at = text.data(), *const end = at + text.size(); at < end; ++at) {
    format::SlotIndex slot = 0;
    const auto [rest, error] = std::from_chars(at, end, slot);
    if (error != std::errc() || (rest != end && *rest != ',') || rest + 1 == end) {
      throw std::invalid_argument("slots must be whole numbers with commas between them");
    }
    slots.insert(slot);
    at = rest;
  }
  return slots;
}

}  // namespace

// Returns [{"segment", "slots": [[slot, generation, counted], ...]}, ...]: short, as it is of all.
Json Answers::Workers::totals_of(const std::vector<Worker>& workers) {
  Json totals = Json::array();
  const scrape::SegmentState* segment = nullptr;
  for (const Worker& w : workers) {
    if (w.segment != segment) {
      segment = w.segment;
      totals.push_back({{"segment", segment->name}, {"slots", Json::array()}});
    }
    totals.back()["slots"].push_back({w.slot.head.slot, w.slot.head.generation, w.counted()});
  }
  return totals;
}

void Answers::Workers::count(std::vector<Worker>& workers) {
  for (Worker& w : workers) {
    reader::Reader& reader = *w.segment->reader;
    if (const auto counts = counters_[w.segment->name].of(reader, w.slot.head.slot)) {
      w.count = reader::sum_of(*reader.catalogue(), *counts);
    }
  }
}

Json Answers::Workers::answer(const scrape::Scrape::View& view, const http::Request& request) {
  const Paging paging = paging_of(request);
  const std::string wanted = choice(request, "state", {"any", "live", "dead", "free"});
  const std::string segment = parameter(request, "segment");
  const bool by_count = choice(request, "sort", {"slot", "counted"}) == "counted";
  const bool wants_totals = choice(request, "totals", {"false", "true"}) == "true";
  const std::set<format::SlotIndex> slots = slots_of(request);
  std::erase_if(counters_, [&](const auto& entry) {
    return std::none_of(view.segments.begin(), view.segments.end(),
                        [&](const auto& s) { return s.up && s.name == entry.first; });
  });
  std::size_t live = 0, dead = 0;
  std::vector<Worker> workers;
  for (const scrape::SegmentState& s : view.segments) {
    if (!s.up || (!segment.empty() && segment != s.name)) continue;
    for (reader::SlotReport& slot : reader::slot_report(*s.reader)) {
      live += slot.state == reader::SlotReport::State::kLive;
      dead += slot.state == reader::SlotReport::State::kDead;
      if (wanted != "any" && wanted != reader::to_string(slot.state)) continue;
      if (!slots.empty() && !slots.contains(slot.head.slot)) continue;
      if (!paging.matches(std::to_string(slot.head.pid) + ' ' + slot.head.command)) continue;
      workers.push_back({&s, std::move(slot)});
    }
  }
  Json json = {{"schema", kSchema},
               {"time", static_cast<double>(format::now_ns()) / 1e9},
               {"live", live},
               {"dead", dead},
               {"total", workers.size()}};
  const bool counts_all = by_count || wants_totals;
  if (counts_all) count(workers);
  if (wants_totals) {
    json["totals"] = totals_of(workers);
    return json;
  }
  if (by_count) {
    std::stable_sort(workers.begin(), workers.end(),
                     [](const Worker& a, const Worker& b) { return a.counted() > b.counted(); });
  }
  workers = paging.page_of(workers);
  if (!counts_all) count(workers);
  json["offset"] = paging.offset;
  Json& list = json["workers"] = Json::array();
  for (const Worker& w : workers) {
    Json& entry = list.emplace_back(Json{{"segment", w.segment->name}});
    entry.update(exposition::slot_json(w.slot, w.count));
  }
  return json;
}

}  // namespace metrics::endpoints
