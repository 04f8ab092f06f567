#include "aggregator/endpoints/dashboard.h"

#include <stdexcept>
#include <string_view>
#include <utility>

#include "aggregator/dashboard/files.h"
#include "aggregator/endpoints/coding.h"
#include "aggregator/endpoints/html.h"
#include "aggregator/exposition/gzip.h"

namespace metrics::endpoints {
namespace {

// Nothing but the daemon's own files: a label's value that looks like HTML could load nothing, and
// run nothing, even if a fault let it through.
constexpr const char* kPolicy =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'";

using Body = std::shared_ptr<const std::string>;

http::Response page(std::string_view content_type, scrape::Compression coding, Body body) {
  http::Response response;
  response.content_type = content_type;
  response.headers = {{"Content-Security-Policy", kPolicy},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cache-Control", "no-cache"}};
  add_coding(response, coding);
  response.body = std::move(body);
  return response;
}

// Serves a file, which is compressed once.
http::Handler handler(const dashboard::File& file) {
  exposition::Gzip gzip;
  const auto plain = std::make_shared<const std::string>(file.content);
  const auto zipped = std::make_shared<const std::string>(gzip.compress(*plain));
  return [plain, zipped, type = file.content_type](const http::Request& request) {
    const scrape::Compression coding = coding_of(request);
    return page(type, coding, coding == scrape::Compression::kGzip ? zipped : plain);
  };
}

// Returns a member's value as HTML: texts as they are, numbers as JSON writes them.
std::string shown(const Json& json) {
  return html_of(json.is_string() ? json.get<std::string>()
                                  : json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string part_of(const Json& segment, const char* used, const char* capacity) {
  return shown(segment.at(used)) + " of " + shown(segment.at(capacity));
}

std::string segments_table(const Json& answer) {
  std::vector<HtmlRow> rows = {{"Segment", "State", "Live slots", "Series", "Cells",
                                "Directory, bytes", "Memory, bytes", "Created"}};
  std::vector<HtmlRow> drops = {{"Segment", "What", "Reason", "Count", "Last family"}};
  for (const Json& s : answer.at("segments")) {
    if (!s.at("up").get<bool>()) {
      rows.push_back({shown(s.at("name")), shown(s.at("error")), "", "", "", "", "", ""});
      continue;
    }
    rows.push_back({shown(s.at("name")), "up", part_of(s, "slots_live", "slots_capacity"),
                    shown(s.at("series")), part_of(s, "cells_used", "cells_capacity"),
                    part_of(s, "directory_used_bytes", "directory_capacity_bytes"),
                    shown(s.at("memory_bytes")), shown(s.at("created"))});
    for (const Json& d : s.at("dropped")) {
      drops.push_back({shown(s.at("name")), shown(d.at("what")), shown(d.at("reason")),
                       shown(d.at("count")),
                       d.contains("last") ? shown(d.at("last").at("family")) : ""});
    }
    for (const Json& h : s.at("hidden")) {
      drops.push_back({shown(s.at("name")), "family", "hidden by the " + shown(h.at("served")), "",
                       shown(h.at("family"))});
    }
  }
  std::string html = html_table("Segments", rows);
  if (drops.size() > 1) html += html_table("Dropped, refused and hidden", drops);
  return html;
}

// Returns the samples of a series: its buckets are left out, since there are many.
std::string samples_of(const Json& series) {
  std::string html;
  for (const Json& sample : series.at("samples")) {
    const auto name = sample.at("name").get<std::string>();
    if (name.ends_with("_bucket")) continue;
    html.append(html.empty() ? "" : "<br>").append(html_of(name) + " " + shown(sample.at("value")));
  }
  return html;
}

std::string families_table(const Json& answer) {
  std::vector<HtmlRow> rows = {{"Family", "Type", "Series", "All series added up", "Help"}};
  for (const Json& f : answer.at("families")) {
    std::string sums;
    for (const Json& sum : f.at("sums")) sums.append(sums.empty() ? "" : "<br>") += samples_of(sum);
    const auto name = f.at("name").get<std::string>();
    rows.push_back({"<a href=\"dashboard?family=" + query_of(name) + "\">" + html_of(name) + "</a>",
                    shown(f.at("type")), shown(f.at("series_count")), sums, shown(f.at("help"))});
  }
  return html_table(
      "Families, " + std::to_string(rows.size() - 1) + " of " + answer.at("total").dump(), rows);
}

std::string series_table(const Json& answer) {
  std::vector<HtmlRow> rows = {{"Labels", "Samples"}};
  for (const Json& s : answer.at("series")) {
    std::string labels;
    for (const auto& [name, value] : s.at("labels").items()) {
      labels.append(labels.empty() ? "" : "<br>").append(html_of(name) + "=" + shown(value));
    }
    rows.push_back({labels, samples_of(s)});
  }
  return html_table(answer.at("family").at("name").get<std::string>() + ", " +
                        std::to_string(rows.size() - 1) + " of " + answer.at("total").dump() +
                        " series",
                    rows);
}

std::string workers_table(const Json& answer) {
  std::vector<HtmlRow> rows = {{"State", "Pid", "Command", "Kind", "Segment", "Slot", "Since",
                                "Counters added up", "Observations"}};
  for (const Json& w : answer.at("workers")) {
    rows.push_back({shown(w.at("state")), shown(w.at("pid")), shown(w.at("command")),
                    shown(w.at("kind")), shown(w.at("segment")), shown(w.at("slot")),
                    shown(w.at("claimed")), shown(w.at("counters")), shown(w.at("observations"))});
  }
  return html_table("Workers, " + std::to_string(rows.size() - 1) + " of " +
                        answer.at("total").dump() + ": " + answer.at("live").dump() + " live, " +
                        answer.at("dead").dump() + " dead",
                    rows);
}

std::string status_table(const Json& answer) {
  std::vector<HtmlRow> rows = {{"This daemon", ""}};
  for (const char* name : {"version", "revision", "build", "started"}) {
    rows.push_back({name, shown(answer.at(name))});
  }
  for (const char* part : {"limits", "flags"}) {
    for (const auto& [name, value] : answer.at(part).items()) {
      rows.push_back({html_of(name), shown(value)});
    }
  }
  return html_table("Daemon", rows);
}

// Puts `text` where `mark` stands.
void put(std::string& page, std::string_view mark, const std::string& text) {
  const std::size_t at = page.find(mark);
  if (at != std::string::npos) page.replace(at, mark.size(), text);
}

}  // namespace

std::vector<Endpoint> dashboard(scrape::Scrape& scrape, std::shared_ptr<Answers> answers) {
  const auto answer = [&scrape, answers](const http::Request& request) {
    try {
      const auto make = [&](const scrape::Scrape::View& view) {
        std::string tables = segments_table(answers->segments(view));
        const Json families = Answers::families(view, request, Answers::Own::kLeftOut);
        tables += families.contains("series") ? series_table(families) : families_table(families);
        tables += workers_table(answers->workers(view, request));
        tables += status_table(answers->status());
        std::string html(dashboard::content_of("page.html"));
        put(html, "<!--tables-->", tables);
        if (!dashboard::content_of("dygraph.min.js").empty()) {
          put(html, "<!--dygraphs-->",
              "<link rel=\"stylesheet\" href=\"dashboard/dygraph.min.css\">\n"
              "<script src=\"dashboard/dygraph.min.js\"></script>");
        }
        return html;
      };
      const scrape::Compression coding = coding_of(request);
      return page("text/html; charset=utf-8", coding,
                  scrape.answer("/dashboard?" + std::string(request.query), coding, make));
    } catch (const std::invalid_argument& e) {
      return http::text_response(400, std::string(e.what()) + '\n');
    }
  };
  std::vector<Endpoint> pages = {{"/dashboard", "Dashboard", {answer}}};
  for (const dashboard::File& file : dashboard::files()) {
    if (file.name == "page.html") continue;
    pages.push_back({"/dashboard/" + std::string(file.name), "", {handler(file)}});
  }
  return pages;
}

}  // namespace metrics::endpoints
