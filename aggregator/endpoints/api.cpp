#include "aggregator/endpoints/api.h"

#include <functional>
#include <stdexcept>

#include "aggregator/endpoints/coding.h"
#include "aggregator/endpoints/paging.h"
#include "aggregator/endpoints/workers.h"
#include "aggregator/exposition/segment_json.h"
#include "aggregator/exposition/utc.h"
#include "libmetrics/format/clock.h"

namespace metrics::endpoints {
namespace {

using View = scrape::Scrape::View;
using Make = std::function<Json(const View&, const http::Request&)>;

http::Response json_response(int status, scrape::Compression coding,
                             std::shared_ptr<const std::string> body) {
  http::Response response;
  response.status = status;
  response.content_type = "application/json";
  response.headers = {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}};
  add_coding(response, coding);
  response.body = std::move(body);
  return response;
}

// Returns whether the answer shows exemplars: the series of one family do.
scrape::Exemplars exemplars_for(const http::Request& request) {
  return parameter(request, "family").empty() ? scrape::Exemplars::kNone : scrape::Exemplars::kAll;
}

// Answers with what `make` makes, or with 400 and {"schema", "error"}: also if the query has a
// parameter that is not among those that are known.
http::Handler handler(scrape::Scrape& scrape, const std::string& path,
                      std::vector<std::string> known, Make make) {
  return [&scrape, path, known = std::move(known),
          make = std::move(make)](const http::Request& request) {
    try {
      expect_parameters(request, known);
      const scrape::Compression coding = coding_of(request);
      const auto line = [&](const View& view) { return exposition::line_of(make(view, request)); };
      return json_response(200, coding,
                           scrape.answer(path + '?' + std::string(request.query), coding, line,
                                         exemplars_for(request)));
    } catch (const std::invalid_argument& e) {
      return json_response(400, scrape::Compression::kNone,
                           std::make_shared<const std::string>(
                               exposition::line_of({{"schema", kSchema}, {"error", e.what()}})));
    }
  };
}

}  // namespace

Answers::Answers(Status status)
    : status_(std::move(status)),
      started_ns_(format::now_ns()),
      workers_(std::make_unique<Workers>()) {}
Answers::~Answers() = default;

Json Answers::segments(const View& view) {
  Json segments = Json::array();
  for (const scrape::SegmentState& s : view.segments) {
    Json json;
    if (s.up) {
      json = exposition::segment_json(*s.reader);
      json.update(exposition::dropped_json(*s.reader));
    } else {
      json = exposition::unreadable_segment_json(s.name, s.why);
    }
    json["name"] = s.name;
    json["up"] = s.up;
    json["owner"] = s.owner;
    json["expired"] = s.expired;
    segments.push_back(std::move(json));
  }
  return {{"schema", kSchema},
          {"time", static_cast<double>(format::now_ns()) / 1e9},
          {"segments", std::move(segments)}};
}

Json Answers::workers(const View& view, const http::Request& request) {
  return workers_->answer(view, request);
}

Json Answers::status() const {
  Json flags = Json::object();
  for (const auto& [name, value] : status_.flags) flags[name] = value;
  Json limits = Json::object();
  for (const auto& [name, value] : status_.limits) limits[name] = value;
  return {{"schema", kSchema},
          {"version", status_.version},
          {"revision", status_.revision},
          {"build", status_.build},
          {"started", exposition::utc(started_ns_)},
          {"flags", std::move(flags)},
          {"limits", std::move(limits)}};
}

std::vector<Endpoint> api(scrape::Scrape& scrape, const std::shared_ptr<Answers>& answers) {
  const auto page = [&](const std::string& path, const char* title, std::vector<std::string> known,
                        Make make) {
    return Endpoint{path, title, {handler(scrape, path, std::move(known), std::move(make))}};
  };
  return {
      page("/api/v1/segments", "Segments, as JSON", {},
           [answers](const View& view, const http::Request&) { return answers->segments(view); }),
      page("/api/v1/workers", "Workers, as JSON",
           {"limit", "offset", "match", "segment", "state", "slots", "sort", "totals"},
           [answers](const View& view, const http::Request& request) {
             return answers->workers(view, request);
           }),
      page("/api/v1/families", "Families, as JSON",
           {"limit", "offset", "match", "family", "own", "sort"},
           [](const View& view, const http::Request& request) {
             return Answers::families(view, request);
           }),
      page("/api/v1/status", "This daemon, as JSON", {},
           [answers](const View&, const http::Request&) { return answers->status(); })};
}

}  // namespace metrics::endpoints
