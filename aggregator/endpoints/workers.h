// workers.h -- the processes and threads that count in the segments, the dead ones included.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "aggregator/endpoints/api.h"
#include "libmetrics/reader/family_counts.h"

namespace metrics::endpoints {

// For one thread at a time.
class Answers::Workers {
 public:
  // Returns the answer of /api/v1/workers. Throws std::invalid_argument as Answers does.
  Json answer(const scrape::Scrape::View& view, const http::Request& request);

 private:
  struct Worker;
  void count(std::vector<Worker>& workers);
  static Json totals_of(const std::vector<Worker>& workers);

  std::map<std::string, reader::FamilyCounter> counters_;  // by the segment's name
};

}  // namespace metrics::endpoints
