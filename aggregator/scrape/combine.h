// combine.h -- several sources' families as one exposition.
//
// Series are never summed across segments: one that can't be read for a moment would look like a
// counter reset. A label names the segment; Prometheus adds them up.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "libmetrics/reader/families.h"

namespace metrics::scrape {

struct Source {
  const reader::Families* families;
  std::string segment;  // the value of the label `segment` that its series get; empty: none
  bool alone = false;   // later sources can't add to its families
};

// For one thread at a time.
class Combine {
 public:
  // The families of all sources. A name that two share is one family, with the first one's help. A
  // series' own label `segment` becomes `exported_segment` where it gets ours, as Prometheus does
  // it. What would make the exposition invalid is left out: a family whose type differs from an
  // earlier one's of that name, or which shares a sample name with another one; a series with the
  // labels of an earlier one. So is a family of the name of one that stands alone.
  const reader::Families& operator()(std::span<const Source> sources);

  // A sentence for everything that was left out at the last call.
  const std::vector<std::string>& left_out() const noexcept { return left_out_; }

 private:
  struct Copy {
    std::size_t from, to, count;  // values of a source
  };
  // A family of all sources: one part for each set of bounds, and which labels are taken.
  struct Group {
    std::vector<reader::Family> parts;
    std::unordered_set<std::string> labels;
    bool alone = false;
  };
  void rebuild(std::span<const Source> sources);
  void add(const Source& source, std::vector<Copy>& copies);
  Group* group_of(const reader::Family& family, bool alone, const std::string& where);

  std::vector<std::uint64_t> shapes_;
  std::vector<std::string> segments_;
  std::vector<std::vector<Copy>> copies_;  // by source
  std::vector<Group> groups_;              // while rebuilding, as the next one is
  std::unordered_map<std::string, std::size_t> by_sample_name_;
  std::vector<std::string> left_out_;
  reader::Families combined_;
};

}  // namespace metrics::scrape
