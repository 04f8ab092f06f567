// exposition.h -- a strict reading of the text format 0.0.4: what a scrape may never show.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace metrics::torture {

class Exposition {
 public:
  // Reads it; fault() is then the first thing that is wrong, "" if nothing is: a line that can't be
  // parsed, bytes that are no UTF-8, a family or series that is there twice, buckets that are not
  // cumulative, a `_count` that is not the `+Inf` bucket.
  explicit Exposition(std::string_view text);
  const std::string& fault() const { return fault_; }

  // By "name{labels}", as written. Those that may only grow are in `growing`.
  const std::unordered_map<std::string, double>& samples() const { return samples_; }
  double value(const std::string& series) const;  // NaN if there is none
  bool has(const std::string& series) const { return samples_.contains(series); }
  // The first series of a counter or histogram that was larger in `before`; "" if none was.
  std::string gone_down(const Exposition& before) const;

 private:
  bool line(std::string_view line);
  bool comment(std::string_view line);
  bool sample(std::string_view line);
  bool end_family();

  std::string fault_;
  std::unordered_map<std::string, double> samples_;
  std::vector<std::string> growing_;
  std::map<std::string, bool> families_;  // by name; true once it has samples
  std::string family_, type_;
  struct Buckets {
    double last = 0, inf = -1, count = -1;
  };
  std::map<std::string, Buckets> buckets_;  // of the family, by labels without `le`
};

}  // namespace metrics::torture
