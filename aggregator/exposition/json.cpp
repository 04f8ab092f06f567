#include "aggregator/exposition/json.h"

#include <string>
#include <utility>
#include <vector>

#include "libmetrics/format/printable.h"
#include "libmetrics/format/types.h"

namespace metrics::exposition {

namespace {

// Returns {"label": "value", ...}.
Json labels_json(const std::vector<reader::Label>& labels) {
  Json json = Json::object();
  for (const auto& label : labels) json[label.name] = label.value;
  return json;
}

void add_bucket(Json& json, const ListedBucket& bucket) {
  json["bucket"] = interval(bucket);
  json["lower"] = bucket.lower;
  json["upper"] = bucket.upper;
  json["count"] = std::to_string(bucket.count);
}

Json as_json(const reader::Exemplar& exemplar) {
  char value[kMaxNumberSize];
  std::string timestamp;
  append_seconds(timestamp, exemplar.stamp_ns);
  return {{"labels", labels_json(exemplar.labels)},
          {"value", std::string(value, print(value, exemplar.value))},
          {"timestamp", timestamp}};
}

}  // namespace

Json sample_json(const Sample& sample) {
  return {{"name", sample.name}, {"labels", labels_json(sample.labels)}, {"value", sample.value}};
}

Json bucket_json(const Sample& sample, const ListedBucket& bucket) {
  Json json = {{"name", sample.name}, {"labels", labels_json(sample.labels)}};
  add_bucket(json, bucket);
  return json;
}

Json exemplar_json(const Sample& sample, const reader::Exemplar& exemplar) {
  return {{"name", sample.name},
          {"labels", labels_json(sample.labels)},
          {"exemplar", as_json(exemplar)}};
}

Json series_json(const reader::Families& families, const reader::Family& family,
                 const reader::Series& series) {
  Json samples = Json::array();
  for (const Sample& sample : samples_of(families, family, series)) {
    samples.push_back(sample_json(sample));
  }
  Json json = {{"labels", labels_json(series.labels)}, {"samples", std::move(samples)}};
  for (const reader::Exemplar& exemplar : families.exemplars_of(series)) {
    json["exemplars"].push_back(as_json(exemplar));
  }
  if (!family.native) return json;
  Json& buckets = json["native_buckets"] = Json::array();
  for (const ListedBucket& bucket : native_buckets(families, family, series)) {
    add_bucket(buckets.emplace_back(), bucket);
  }
  return json;
}

Json family_json(const reader::Family& family) {
  return {{"name", family.name},
          {"type", format::to_string(family.type)},
          {"help", family.help},
          {"unit", family.unit}};
}

Json families_json(const reader::Families& families) {
  Json all = Json::array();
  for (const reader::Family& f : families.families) {
    Json series = Json::array();
    for (const reader::Series& s : f.series) series.push_back(series_json(families, f, s));
    all.push_back(family_json(f));
    all.back()["series"] = std::move(series);
  }
  return all;
}

std::string line_of(const Json& json) {
  return format::printable_lines(json.dump(-1, ' ', false, Json::error_handler_t::replace)) + '\n';
}

std::string text_of(const Json& json) {
  return format::printable_lines(json.dump(2, ' ', false, Json::error_handler_t::replace)) + '\n';
}

}  // namespace metrics::exposition
