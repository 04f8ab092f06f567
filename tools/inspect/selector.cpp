#include "tools/inspect/selector.h"

#include <fnmatch.h>
#include <re2/re2.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

namespace metrics::inspect {
namespace {

using reader::Family;
using reader::Label;

constexpr std::string_view kWildcards = "*?[";
constexpr std::string_view kNameLabel = "__name__";

[[noreturn]] void refuse(const std::string& text, std::size_t at, const std::string& what) {
  throw std::invalid_argument("selector " + text + " is not understood at character " +
                              std::to_string(at + 1) + ": " + what +
                              "; write e.g. 'tasks_total{type=\"image\"}'");
}

std::size_t first_outside_name(const std::string& text, std::size_t from) {
  return std::min(text.size(), text.find_first_not_of("abcdefghijklmnopqrstuvwxyz"
                                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:",
                                                      from));
}

// Returns the end of the name or pattern that begins the text.
std::size_t end_of_pattern(const std::string& text) {
  for (std::size_t at = 0;; ++at) {
    at = first_outside_name(text, at);
    if (at == text.size() || kWildcards.find(text[at]) == std::string_view::npos) return at;
    if (text[at] != '[') continue;
    const std::size_t close = text.find(']', at + 2);  // one right behind '[' is in the set
    if (close == std::string::npos) refuse(text, text.size(), "the closing ']' is missing");
    at = close;
  }
}

std::size_t after_blanks(const std::string& text, std::size_t from) {
  return std::min(text.size(), text.find_first_not_of(' ', from));
}

// Returns the quoted text that begins at `at`, and moves `at` behind its end.
std::string quoted_at(const std::string& text, std::size_t& at) {
  std::string value;
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\' && at + 1 < text.size()) {
      ++at;
      value += text[at] == 'n' ? '\n' : text[at];
    } else {
      value += text[at];
    }
  }
  if (at >= text.size()) refuse(text, at, "the closing '\"' is missing");
  ++at;
  return value;
}

// Returns the name that begins at `at`, quoted or not, and moves `at` behind its end.
std::string name_at(const std::string& text, std::size_t& at) {
  if (text[at] == '"') return quoted_at(text, at);
  const std::size_t begin = at;
  at = first_outside_name(text, at);
  if (at == begin) refuse(text, at, "a label's name is missing");
  return text.substr(begin, at - begin);
}

// Returns the comparison that begins at `at`, and moves `at` behind its end.
Matcher::Is comparison_at(const std::string& text, std::size_t& at) {
  using Is = Matcher::Is;
  constexpr std::pair<std::string_view, Is> kAll[] = {
      {"=~", Is::kLike}, {"!=", Is::kUnequal}, {"!~", Is::kUnlike}, {"=", Is::kEqual}};
  for (const auto& [spelled, is] : kAll) {
    if (text.compare(at, spelled.size(), spelled) != 0) continue;
    at += spelled.size();
    return is;
  }
  refuse(text, at, "a '=' is missing");
}

Matcher matcher_at(const std::string& text, std::size_t& at) {
  Matcher matcher{Matcher::Is::kEqual, name_at(text, at), {}};
  matcher.is = comparison_at(text, at);
  if (at >= text.size() || text[at] != '"') {
    refuse(text, at, "the label's value must stand in '\"'");
  }
  const std::size_t begin = at;
  matcher.value = quoted_at(text, at);
  if (matcher.is == Matcher::Is::kLike || matcher.is == Matcher::Is::kUnlike) {
    try {
      matcher.pattern = parse_regex(matcher.value);
    } catch (const std::invalid_argument& e) {
      refuse(text, begin, e.what());
    }
  }
  return matcher;
}

// Returns the name {"a name", label="value"} begins with, and moves `at` to what follows.
std::string quoted_name_at(const std::string& text, std::size_t& at) {
  if (at >= text.size() || text[at] != '"') refuse(text, 0, "a name is missing");
  std::string name = quoted_at(text, at);
  at = after_blanks(text, at);
  if (at < text.size() && text[at] == ',') {
    at = after_blanks(text, at + 1);
  } else if (at >= text.size() || text[at] != '}') {
    refuse(text, at, "a ',' or the closing '}' is missing");
  }
  return name;
}

std::string_view value_of(const exposition::Sample& sample, const std::string& label) {
  const auto there = std::find_if(sample.labels.begin(), sample.labels.end(),
                                  [&](const Label& l) { return l.name == label; });
  return there == sample.labels.end() ? std::string_view() : there->value;
}

}  // namespace

bool has_wildcard(std::string_view text) noexcept {
  return text.find_first_of(kWildcards) != std::string_view::npos;
}

bool matches_glob(const std::string& pattern, const std::string& text) {
  return ::fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

std::shared_ptr<const re2::RE2> parse_regex(const std::string& text) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto pattern = std::make_shared<const re2::RE2>(text, options);
  if (!pattern->ok()) {
    throw std::invalid_argument("the regular expression is wrong: " + pattern->error());
  }
  return pattern;
}

bool matches_all(const re2::RE2& pattern, std::string_view text) {
  return re2::RE2::FullMatch({text.data(), text.size()}, pattern);
}

bool matches_part(const re2::RE2& pattern, std::string_view text) {
  return re2::RE2::PartialMatch({text.data(), text.size()}, pattern);
}

bool Matcher::matches(std::string_view text) const {
  switch (is) {
    case Is::kEqual:
      return text == value;
    case Is::kUnequal:
      return text != value;
    case Is::kLike:
      return matches_all(*pattern, text);
    case Is::kUnlike:
      return !matches_all(*pattern, text);
  }
  return false;
}

bool Selector::has_labels() const {
  return std::any_of(labels.begin(), labels.end(),
                     [](const Matcher& m) { return m.label != kNameLabel; });
}

bool Selector::is_pattern() const { return is_glob || name.empty(); }

bool Selector::names(const std::string& theirs) const {
  if (is_glob ? !matches_glob(name, theirs) : !name.empty() && name != theirs) return false;
  return std::all_of(labels.begin(), labels.end(),
                     [&](const Matcher& m) { return m.label != kNameLabel || m.matches(theirs); });
}

bool Selector::matches(const Family& family, const exposition::Sample& sample) const {
  if (!names(sample.name) && !names(family.name)) return false;
  return std::all_of(labels.begin(), labels.end(), [&](const Matcher& m) {
    return m.label == kNameLabel || m.matches(value_of(sample, m.label));
  });
}

Selector parse_selector(const std::string& text) {
  Selector selector;
  std::size_t at = end_of_pattern(text);
  if (at < text.size() && text[at] != '{') {
    refuse(text, at, "a name can't have this character, unless it is quoted in braces");
  }
  selector.name = text.substr(0, at);
  selector.is_glob = has_wildcard(selector.name);
  if (at == text.size() && !selector.name.empty()) return selector;
  const bool in_braces = selector.name.empty();
  if (at < text.size()) at = after_blanks(text, at + 1);
  if (in_braces && text.compare(at, kNameLabel.size(), kNameLabel) != 0) {
    selector.name = quoted_name_at(text, at);
  }
  while (at < text.size() && text[at] != '}') {
    selector.labels.push_back(matcher_at(text, at));
    at = after_blanks(text, at);
    if (at >= text.size() || text[at] != ',') break;
    at = after_blanks(text, at + 1);
  }
  if (at >= text.size() || text[at] != '}') refuse(text, at, "a ',' or the closing '}' is missing");
  if (at + 1 != text.size()) refuse(text, at + 1, "something follows the closing '}'");
  return selector;
}

}  // namespace metrics::inspect
