// combine.h -- combines the families of several sources for one exposition.
//
// Series are never summed across segments: a segment that can't be read for a moment would look
// like a counter reset. A label names the segment, and Prometheus can sum over it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "aggregator/scrape/expiry.h"
#include "libmetrics/reader/families.h"
#include "libmetrics/reader/seeded.h"

namespace metrics::scrape {

struct Source {
  const reader::Families* families;
  std::string segment;    // the value of the label `segment` that its series get; empty: no label
  bool reserved = false;  // later sources can't add to its families
  const LeftOut* left_out = nullptr;  // nullptr: nothing is
};

// For one thread at a time.
class Combine {
 public:
  // Returns the families of all sources. Families of the same name become one, with the help of the
  // first; summaries and histograms of one name become histograms. If a series gets the label
  // `segment`, its own label of that name becomes `exported_segment`, as in Prometheus. Everything
  // that would make the exposition invalid is left out: a family with another type than an earlier
  // family of its name, or with a sample name of an earlier family of another name; a series with
  // the labels of an earlier one. Families with a reserved name are left out too.
  const reader::Families& operator()(std::span<const Source> sources);

  // Returns a sentence for each family and series that the last call left out, up to a hundred.
  const std::vector<std::string>& left_out() const noexcept { return left_out_; }

 private:
  // Where the values and the exemplars of a source begin among the combined ones.
  struct Base {
    std::size_t values = 0, exemplars = 0;
    friend bool operator==(const Base&, const Base&) = default;
  };
  // A chunk that was made of another one: of some of its series, or with other names of labels.
  struct Made {
    std::vector<bool> without;  // which series are left out; empty: the names are other ones
    std::shared_ptr<const reader::SeriesChunk> chunk;
  };
  // A family of all sources: one part for each set of bounds, and the labels that series have.
  struct Group {
    void learn_labels();

    std::vector<reader::Family> parts;
    std::unordered_map<std::string, std::size_t, reader::Seeded> by_bounds;  // indices into parts
    // The identities of all series' labels, once a second source has some.
    std::unordered_set<std::string, reader::Seeded> labels;
    // The labels `segment` of the sources so far; false once two may have series with one set of
    // labels: those of one source differ, and so do those with different labels `segment`.
    std::unordered_set<std::string, reader::Seeded> segments;
    bool are_apart = true;
    bool reserved = false;
    bool has_buckets = false;  // a source has a histogram of that name
  };
  void rebuild(std::span<const Source> sources);
  void add(const Source& source, const Base& base);
  void move_segment_aside(reader::SeriesList::Entry& entry);
  std::vector<bool> left_out_of(const Source& source, std::size_t first,
                                const reader::SeriesList::Entry& entry, Group& group,
                                const std::string& family);
  void take_out(const std::vector<bool>& without, reader::SeriesList::Entry& entry);
  void leave_out(std::string what);
  Group* group_of(const reader::Family& family, bool reserved, const std::string& where);

  std::vector<std::uint64_t> shapes_;
  std::vector<std::string> segments_;
  std::vector<Base> bases_;    // by source
  std::vector<Group> groups_;  // only while rebuilding, as is the next one
  std::unordered_map<std::string, std::size_t, reader::Seeded> by_sample_name_;
  std::vector<std::string> left_out_;
  reader::Families combined_;
  // By the number of the chunk that they were made of; those of the last time while rebuilding.
  std::unordered_map<std::uint64_t, Made, reader::Seeded> made_, formerly_made_;
};

}  // namespace metrics::scrape
