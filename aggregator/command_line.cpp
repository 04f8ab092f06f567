#include "aggregator/command_line.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <numeric>

namespace metrics::aggregator {
namespace {

// Returns how many letters must be put in, taken out or changed to make one of the other.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t above_left = row[0]++;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = above_left + (a[i - 1] == b[j - 1] ? 0 : 1);
      above_left = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row.back();
}

}  // namespace

std::string_view flag_without_value(int argc, const char* const* argv) noexcept {
  for (const std::string_view argument : std::span(argv, static_cast<std::size_t>(argc))) {
    if (argument.starts_with("--") && argument.ends_with('=')) return argument;
  }
  return {};
}

std::string plain_words(const std::string& text) {
  const std::string flag = text.substr(0, text.find(':'));
  if (text.ends_with(" missing")) return flag + " needs a value";
  if (text.find(": At Most 1 required") != std::string::npos) return flag + " is given twice";
  constexpr std::string_view kNoConversion = "Could not convert: ";
  const std::size_t equals = text.find(" = ");
  if (!text.starts_with(kNoConversion) || equals == std::string::npos) return text;
  return text.substr(kNoConversion.size(), equals - kNoConversion.size()) +
         " is true or false, and not \"" + text.substr(equals + 3) + '"';
}

std::string did_you_mean(std::string_view name, std::span<const std::string> words) {
  const std::string* nearest = nullptr;
  std::size_t least = name.size() / 3 + 1;  // as many faults, and it is another word
  for (const std::string& word : words) {
    // Letters that one has more must all be put in.
    const std::size_t more =
        std::max(word.size(), name.size()) - std::min(word.size(), name.size());
    if (more >= least) continue;
    const std::size_t faults = distance(name, word);
    if (faults >= least) continue;
    least = faults;
    nearest = &word;
  }
  return nearest == nullptr ? "" : " (did you mean " + *nearest + "?)";
}

std::string unexpected(const std::vector<std::string>& arguments,
                       std::span<const std::string> known) {
  if (arguments.empty()) return "an argument was not expected";
  // The value, if there is one, says nothing about the name.
  const std::string name = arguments.front().substr(0, arguments.front().find('='));
  const bool is_flag = name.starts_with('-');
  std::vector<std::string> words;
  std::copy_if(known.begin(), known.end(), std::back_inserter(words),
               [&](const std::string& word) { return word.starts_with('-') == is_flag; });
  return (is_flag ? "unknown flag " : "unexpected argument ") + name + did_you_mean(name, words);
}

}  // namespace metrics::aggregator
