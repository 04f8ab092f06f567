#include <algorithm>
#include <bit>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/endpoints/api.h"
#include "aggregator/endpoints/paging.h"
#include "aggregator/exposition/samples.h"
#include "libmetrics/format/clock.h"
#include "libmetrics/format/types.h"

namespace metrics::endpoints {
namespace {

using reader::Families;
using reader::Family;
using reader::Series;
using Parts = std::span<const Family>;

std::size_t series_of(Parts parts) {
  std::size_t count = 0;
  for (const Family& part : parts) count += part.series.size();
  return count;
}

void add_double(std::uint64_t& sum, std::uint64_t amount) {
  sum = std::bit_cast<std::uint64_t>(std::bit_cast<double>(sum) + std::bit_cast<double>(amount));
}

// Returns a family's series added up, as one without labels, for each set of bounds. A gauge, an
// info or a state set has a sum only if it is one series: added up, those of several mean nothing.
Json sums_of(const Families& families, Parts parts) {
  Json sums = Json::array();
  const bool counts = !format::is_of_processes(parts.front().type) &&
                      format::values_of(parts.front().type) != format::Values::kInfo;
  if (!counts) {
    if (series_of(parts) == 1) {
      sums.push_back(
          exposition::series_json(families, parts.front(), parts.front().series.front()));
    }
    return sums;
  }
  for (const Family& part : parts) {
    Families sum;
    sum.families = {part};
    sum.families.front().series = {Series{{}, 0}};
    sum.values.assign(reader::value_count(part), 0);
    for (const Series& s : part.series) {
      for (std::size_t i = 0; i + 1 < sum.values.size(); ++i) {
        sum.values[i] += families.values[s.first_value + i];
      }
      add_double(sum.values.back(), families.values[s.first_value + sum.values.size() - 1]);
    }
    sums.push_back(
        exposition::series_json(sum, sum.families.front(), sum.families.front().series.front()));
  }
  return sums;
}

Json start(const Paging& paging, std::size_t total) {
  return {{"schema", kSchema},
          {"time", static_cast<double>(format::now_ns()) / 1e9},
          {"total", total},
          {"offset", paging.offset}};
}

struct Row {
  const Family* family;
  Series series;
  double value;
};

// Returns by what series are ordered: the number of observations, or the value.
double value_of(const Families& families, const Family& family, const Series& series) {
  switch (format::values_of(family.type)) {
    case format::Values::kWholeAndFraction: {
      const auto [whole, fraction] = families.counter(series);
      return static_cast<double>(whole) + fraction;
    }
    case format::Values::kCounts: {
      double count = 0;
      for (const std::uint64_t n : families.counts(family, series)) count += static_cast<double>(n);
      return count;
    }
    case format::Values::kGauge:
    case format::Values::kState:
      return families.gauge(series);
    case format::Values::kInfo:
      break;
  }
  return 1;
}

Json series_answer(const Families& families, Parts parts, const Paging& paging, bool by_value) {
  std::vector<Row> rows;
  for (const Family& part : parts) {
    for (const Series& s : part.series) {
      if (paging.match.empty() || paging.matches(exposition::spelled({"", s.labels, ""}))) {
        rows.push_back({&part, s, by_value ? value_of(families, part, s) : 0});
      }
    }
  }
  if (by_value) {
    // A NaN is below all numbers, so that the order stays one.
    std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
      return a.value > b.value || (b.value != b.value && a.value == a.value);
    });
  }
  Json json = start(paging, rows.size());
  json["family"] = exposition::family_json(parts.front());
  Json& list = json["series"] = Json::array();
  for (const Row& row : paging.page_of(rows)) {
    list.push_back(exposition::series_json(families, *row.family, row.series));
  }
  return json;
}

}  // namespace

Json Answers::families(const scrape::Scrape::View& view, const http::Request& request, Own own) {
  const Paging paging = paging_of(request);
  const std::string name = parameter(request, "family");
  const std::string shown = own == Own::kShown ? "true" : "false";
  const bool with_own =
      choice(request, "own", {shown, own == Own::kShown ? "false" : "true"}) == "true";
  const bool by_value = choice(request, "sort", {"exposition", "value"}) == "value";
  std::vector<Parts> chosen;
  std::size_t left_to_skip = with_own ? 0 : view.own;
  reader::each_family(view.families, [&](Parts parts) {
    if (left_to_skip > 0) {
      --left_to_skip;
      return;
    }
    if (name.empty() ? paging.matches(parts.front().name) : parts.front().name == name) {
      chosen.push_back(parts);
    }
  });
  if (!name.empty()) {
    if (chosen.empty()) throw std::invalid_argument("family: there is none of that name");
    return series_answer(view.families, chosen.front(), paging, by_value);
  }
  Json json = start(paging, chosen.size());
  Json& list = json["families"] = Json::array();
  for (const Parts& parts : paging.page_of(chosen)) {
    Json family = exposition::family_json(parts.front());
    family["series_count"] = series_of(parts);
    family["sums"] = sums_of(view.families, parts);
    list.push_back(std::move(family));
  }
  return json;
}

}  // namespace metrics::endpoints
