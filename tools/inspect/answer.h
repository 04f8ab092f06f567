// answer.h -- what became of what a selector names: the answer of `why` about one family.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libmetrics/format/editions.h"
#include "libmetrics/reader/family_counts.h"
#include "libmetrics/reader/merge.h"
#include "tools/inspect/output.h"
#include "tools/inspect/processes.h"
#include "tools/inspect/selector.h"

namespace metrics::inspect {

// What was read for all answers about a segment. Valid as long as the merge, until its next read.
struct Evidence {
  const reader::Families& families;
  reader::Reader& reader;
  const reader::Catalogue& catalogue;
  const std::vector<reader::FamilyCounts>& counts;
  const std::vector<Process>& processes;
};

// Answers for definitions of one name; for a name that nobody has registered, there are none.
class Answer {
 public:
  // `definitions` are indices into the catalogue's families. Refers to evidence and selector.
  Answer(const Evidence& evidence, const Selector& selector, std::string name,
         const std::vector<std::size_t>& definitions);
  // Returns true if a scrape has a sample of it.
  bool is_shown() const { return shown_series_ > 0; }
  const Json& json() const { return json_; }
  const std::vector<std::string>& lines() const { return lines_; }
  void add_line(std::string line) { lines_.push_back(std::move(line)); }

 private:
  // One definition that a name has had.
  struct Edition {
    std::size_t at;  // index into the catalogue's families
    bool is_last;    // of its group, whose shape is shown
    std::optional<std::size_t> hidden_by;
    std::uint64_t series = 0, first_ns = 0;  // live ones, and when the first one began; 0: unknown
  };
  const format::FamilyView& family(const Edition& e) const {
    return evidence_.catalogue.contents.families[e.at];
  }
  bool has(std::uint32_t definition) const;
  void find_editions(const std::vector<std::size_t>& definitions);
  std::uint64_t shown_series() const;
  std::uint64_t live_series() const;
  std::string verdict() const;
  void add_advice();
  void add_edition(std::size_t i);
  void add_refusals();
  bool is_name_of(const std::string& cut) const;
  void add_processes();
  void add_shared();
  double counted_in(const reader::FamilyCounts& counts) const;

  const Evidence& evidence_;
  const Selector& selector_;
  const std::string name_;
  std::vector<Edition> editions_;
  std::uint64_t shown_series_ = 0;
  Json json_;
  std::vector<std::string> lines_;
};

}  // namespace metrics::inspect
