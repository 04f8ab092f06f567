#include "aggregator/endpoints/workers.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "aggregator/endpoints/paging.h"
#include "aggregator/exposition/segment_json.h"
#include "libmetrics/format/clock.h"
#include "libmetrics/reader/slot_report.h"

namespace metrics::endpoints {
namespace {

struct Worker {
  const scrape::SegmentState* segment;
  reader::SlotReport slot;
  reader::SlotCount count = {};
};

}  // namespace

Json Answers::Workers::answer(const scrape::Scrape::View& view, const http::Request& request) {
  const Paging paging = paging_of(request);
  const std::string wanted = choice(request, "state", {"any", "live", "dead", "free"});
  const std::string segment = parameter(request, "segment");
  const bool by_count = choice(request, "sort", {"slot", "counted"}) == "counted";
  std::erase_if(counts_, [&](const auto& entry) {
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
      if (!paging.matches(std::to_string(slot.head.pid) + ' ' + slot.head.command)) continue;
      workers.push_back({&s, std::move(slot)});
    }
  }
  const auto count = [&](std::vector<Worker>& some) {
    for (Worker& w : some) {
      w.count = counts_[w.segment->name].of(*w.segment->reader, w.slot.head.slot).value_or(w.count);
    }
  };
  const std::size_t total = workers.size();
  if (by_count) {
    count(workers);
    const auto counted = [](const Worker& w) {
      return w.count.counters + static_cast<double>(w.count.observations);
    };
    std::stable_sort(workers.begin(), workers.end(),
                     [&](const Worker& a, const Worker& b) { return counted(a) > counted(b); });
  }
  workers = paging.page_of(workers);
  if (!by_count) count(workers);
  Json list = Json::array();
  for (const Worker& w : workers) {
    Json json = {{"segment", w.segment->name}};
    json.update(exposition::slot_json(w.slot));
    json["counters"] = w.count.counters;
    json["observations"] = w.count.observations;
    list.push_back(std::move(json));
  }
  return {{"schema", kSchema},
          {"time", static_cast<double>(format::now_ns()) / 1e9},
          {"live", live},
          {"dead", dead},
          {"total", total},
          {"offset", paging.offset},
          {"workers", std::move(list)}};
}

}  // namespace metrics::endpoints
