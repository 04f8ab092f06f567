// selector.h -- selects samples by name and labels, as a user writes them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/exposition/samples.h"
#include "libmetrics/reader/families.h"

namespace re2 {
class RE2;
}

namespace metrics::inspect {

// What the value of a label must be. As in PromQL, a label that is not there has the value "", a
// regular expression must match all of the value, and the label __name__ is the name.
struct Matcher {
  enum class Is { kEqual, kUnequal, kLike, kUnlike } is;
  std::string label;
  std::string value;
  std::shared_ptr<const re2::RE2> pattern = nullptr;  // of kLike and kUnlike
  bool matches(std::string_view value_of_label) const;
};

// NAME or NAME{label="value",...}; {"NAME","label"="value",...} for names of any UTF-8;
// {__name__=~"REGEX",...}. A NAME may be a pattern with *, ? and [...], as a shell has them. Labels
// may be compared by =, !=, =~ and !~.
struct Selector {
  std::string name;  // empty: any
  bool is_glob = false;
  std::vector<Matcher> labels;

  // Returns true if it selects samples by more than their name.
  bool has_labels() const;
  // Returns true if it may select several names.
  bool is_pattern() const;
  // Returns true if the selector's name, with what it says of __name__, is that one.
  bool names(const std::string& theirs) const;

  // Returns true if the selector's name is that of the sample or of its family, and the sample's
  // labels match.
  bool matches(const reader::Family& family, const exposition::Sample& sample) const;
};

// Reads a selector. If the text is not one, throws std::invalid_argument with the place of the
// mistake and an example.
Selector parse_selector(const std::string& text);

// Returns true if the text contains what makes a name a pattern.
bool has_wildcard(std::string_view text) noexcept;
// Returns true if the pattern, as a shell has them, matches all of the text.
bool matches_glob(const std::string& pattern, const std::string& text);
// Returns the regular expression; throws std::invalid_argument with what is wrong with it.
std::shared_ptr<const re2::RE2> parse_regex(const std::string& text);
// Return true if it matches all of the text, or a part of it.
bool matches_all(const re2::RE2& pattern, std::string_view text);
bool matches_part(const re2::RE2& pattern, std::string_view text);

}  // namespace metrics::inspect
