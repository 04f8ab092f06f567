// api.h -- what the segments hold, as JSON: /api/v1/segments, /workers, /families and /status.
//
// aggregator/docs/api.md describes members and parameters. Each answer is of one moment; the daemon
// keeps no history.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/endpoints/endpoint.h"
#include "aggregator/exposition/json.h"
#include "aggregator/scrape/scrape.h"

namespace metrics::endpoints {

using exposition::Json;

// The member "schema" of each answer. Members may be added to a schema; one with another number has
// lost or changed some.
inline constexpr int kSchema = 1;

// What the daemon says of itself, beside what it serves.
struct Status {
  std::string version, revision, build;
  std::vector<std::pair<std::string, std::string>> flags;  // as given, or their defaults
  // What bounds it, however it was started: names with their units, and values.
  std::vector<std::pair<std::string, std::uint64_t>> limits = {};
};

// Builds the answers. For one thread at a time.
class Answers {
 public:
  explicit Answers(Status status);
  ~Answers();
  Answers(const Answers&) = delete;
  Answers& operator=(const Answers&) = delete;

  // Each throws std::invalid_argument, with one line, for a parameter of the query that can't be.
  Json segments(const scrape::Scrape::View& view);
  Json workers(const scrape::Scrape::View& view, const http::Request& request);
  // The aggregator's own families are in the answer if the query has `own=true`, or has no such
  // parameter and `own` is kShown.
  enum class Own { kShown, kLeftOut };
  static Json families(const scrape::Scrape::View& view, const http::Request& request,
                       Own own = Own::kShown);
  Json status() const;

 private:
  class Workers;
  const Status status_;
  const std::uint64_t started_ns_;
  std::unique_ptr<Workers> workers_;
};

// Makes the pages. `scrape` must outlive the server.
std::vector<Endpoint> api(scrape::Scrape& scrape, const std::shared_ptr<Answers>& answers);

}  // namespace metrics::endpoints
