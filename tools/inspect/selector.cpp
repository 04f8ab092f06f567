#include "tools/inspect/selector.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace metrics::inspect {
namespace {

using reader::Family;
using reader::Label;

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

}  // namespace

bool Selector::matches(const Family& family, const exposition::Sample& sample) const {
  if (name != sample.name && name != family.name) return false;
  return std::all_of(labels.begin(), labels.end(), [&](const Label& wanted) {
    return std::find(sample.labels.begin(), sample.labels.end(), wanted) != sample.labels.end();
  });
}

Selector parse_selector(const std::string& text) {
  Selector selector;
  std::size_t at = std::min(text.find('{'), text.size());
  selector.name = text.substr(0, at);
  if (const std::size_t bad = first_outside_name(text, 0); bad < at) {
    refuse(text, bad, "a name can't have this character, unless it is quoted in braces");
  }
  const bool in_braces = selector.name.empty();
  if (at == text.size() && !in_braces) return selector;
  if (at < text.size()) at = after_blanks(text, at + 1);
  if (in_braces) {  // {"a name", label="value"}
    if (at >= text.size() || text[at] != '"') refuse(text, 0, "a name is missing");
    selector.name = quoted_at(text, at);
    at = after_blanks(text, at);
    if (at < text.size() && text[at] == ',') {
      at = after_blanks(text, at + 1);
    } else if (at >= text.size() || text[at] != '}') {
      refuse(text, at, "a ',' or the closing '}' is missing");
    }
  }
  while (at < text.size() && text[at] != '}') {
    Label label{name_at(text, at), {}};
    if (at >= text.size() || text[at] != '=') refuse(text, at, "a '=' is missing");
    ++at;
    if (at >= text.size() || text[at] != '"')
      refuse(text, at, "the label's value must stand in '\"'");
    label.value = quoted_at(text, at);
    selector.labels.push_back(std::move(label));
    at = after_blanks(text, at);
    if (at >= text.size() || text[at] != ',') break;
    at = after_blanks(text, at + 1);
  }
  if (at >= text.size() || text[at] != '}') refuse(text, at, "a ',' or the closing '}' is missing");
  if (at + 1 != text.size()) refuse(text, at + 1, "something follows the closing '}'");
  return selector;
}

}  // namespace metrics::inspect
