#include "tests/torture/exposition.h"

#include <charconv>
#include <cmath>

#include "libmetrics/format/definition.h"
#include "libmetrics/format/utf8.h"

namespace metrics::torture {
namespace {

bool is_name(std::string_view text, bool colons) {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  for (const char c : text) {
    const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || (colons && c == ':');
    if (!ok) return false;
  }
  return true;
}

bool number(std::string_view text, double& value) {
  if (text == "+Inf" || text == "-Inf") {
    value = text[0] == '+' ? HUGE_VAL : -HUGE_VAL;
    return true;
  }
  if (text == "NaN") {
    value = std::nan("");
    return true;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

Exposition::Exposition(std::string_view text) {
  if (!text.empty() && text.back() != '\n') {
    fault_ = "the last line does not end";
    return;
  }
  if (format::valid_utf8(text) != text) {
    fault_ = "it is not valid UTF-8";
    return;
  }
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find('\n'));
    text.remove_prefix(one.size() + 1);
    if (!line(one)) {
      if (fault_.empty()) fault_ = "line can't be read";
      fault_ += ": " + std::string(one.substr(0, 300));
      return;
    }
  }
  if (!end_family()) fault_ += ", at the end";
}

bool Exposition::line(std::string_view l) { return l.starts_with('#') ? comment(l) : sample(l); }

bool Exposition::comment(std::string_view l) {
  const bool help = l.starts_with("# HELP ");
  if (!help && !l.starts_with("# TYPE ")) return false;
  l.remove_prefix(7);
  const std::string name(l.substr(0, l.find(' ')));
  if (!is_name(name, true)) return false;
  if (name != family_) {
    if (!end_family()) return false;
    if (!families_.emplace(name, false).second) {
      fault_ = "a family is there twice";
      return false;
    }
    family_ = name;
    type_ = "untyped";
  }
  if (!help) type_ = l.substr(std::min(name.size() + 1, l.size()));
  return help || type_ == "counter" || type_ == "gauge" || type_ == "histogram" ||
         type_ == "summary";
}

bool Exposition::end_family() {
  for (const auto& [labels, b] : buckets_) {
    if (b.inf < 0 || b.inf != b.count) {
      fault_ = "_count is not the +Inf bucket of " + family_ + "{" + labels + "}";
      return false;
    }
  }
  buckets_.clear();
  return true;
}

bool Exposition::sample(std::string_view l) {
  const std::size_t name_end = l.find_first_of("{ ");
  if (name_end == std::string_view::npos) return false;
  const std::string name(l.substr(0, name_end));
  if (!is_name(name, true) || !name.starts_with(family_) || family_.empty()) return false;
  std::string without_le, le;
  std::size_t at = name_end;
  if (l[at] == '{') {
    ++at;
    while (at < l.size() && l[at] != '}') {
      const std::size_t equals = l.find('=', at);
      if (equals == std::string_view::npos) return false;
      const std::string_view label = l.substr(at, equals - at);
      if (!is_name(label, false) || equals + 1 >= l.size() || l[equals + 1] != '"') return false;
      std::size_t end = equals + 2;
      for (; end < l.size() && l[end] != '"'; ++end) {
        if (l[end] == '\\') {
          ++end;
          if (end >= l.size() || (l[end] != '\\' && l[end] != '"' && l[end] != 'n')) return false;
        }
      }
      if (end >= l.size()) return false;
      const std::string_view value = l.substr(equals + 2, end - equals - 2);
      if (label == "le") {
        le = value;
      } else {
        without_le.append(label).append("=").append(value).append(",");
      }
      at = end + 1;
      if (at < l.size() && l[at] == ',') ++at;
    }
    if (at >= l.size()) return false;
    ++at;
  }
  if (at >= l.size() || l[at] != ' ') return false;
  double value = 0;
  if (!number(l.substr(at + 1), value)) return false;
  const std::string series(l.substr(0, at));
  if (!samples_.emplace(series, value).second) {
    fault_ = "a series is there twice";
    return false;
  }
  const std::string_view ending = std::string_view(name).substr(family_.size());
  if (type_ == "histogram") {
    Buckets& b = buckets_[without_le];
    if (ending == "_bucket") {
      if (value < b.last) {
        fault_ = "buckets are not cumulative";
        return false;
      }
      b.last = value;
      if (le == "+Inf") b.inf = value;
    } else if (ending == "_count") {
      b.count = value;
    } else if (ending != "_sum") {
      return false;
    }
    if (ending != "_sum") growing_.push_back(series);
  } else if (type_ == "summary") {
    if (ending != "_count" && ending != "_sum") return false;
    if (ending == "_count") growing_.push_back(series);
  } else if (!ending.empty()) {
    return false;
  } else if (type_ == "counter") {
    growing_.push_back(series);
  }
  return true;
}

double Exposition::value(const std::string& series) const {
  const auto found = samples_.find(series);
  return found == samples_.end() ? std::nan("") : found->second;
}

std::string Exposition::gone_down(const Exposition& before) const {
  for (const std::string& series : before.growing_) {
    const auto now = samples_.find(series);
    if (now == samples_.end()) return series + " is gone";
    const double then = before.samples_.at(series);
    if (now->second < then) {
      return series + " went from " + std::to_string(then) + " to " + std::to_string(now->second);
    }
  }
  return "";
}

}  // namespace metrics::torture
