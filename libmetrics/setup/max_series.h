// max_series.h -- the limits that an operator gives families from outside.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libmetrics/format/definition.h"

namespace metrics::setup {

// What the environment variable METRICS_MAX_SERIES says: "http_*=5000,other_total=100".
class MaxSeries {
 public:
  // Parses it. What can't be parsed is left out, and described in faults().
  explicit MaxSeries(std::string_view rules);
  // Returns the limit of the first rule whose pattern matches the family's name (patterns.h); 0: it
  // has none. An empty optional if no pattern does.
  std::optional<std::uint32_t> of(const format::Definition& checked) const;
  // Returns a sentence for each rule that is left out, with what to write instead.
  const std::vector<std::string>& faults() const noexcept { return faults_; }

 private:
  struct Rule {
    std::string pattern;
    std::uint32_t most;
  };
  std::vector<Rule> rules_;
  std::vector<std::string> faults_;
};

}  // namespace metrics::setup
