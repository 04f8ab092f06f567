#include "tools/inspect/samples.h"

#include <algorithm>
#include <stdexcept>

#include "aggregator/exposition/escape.h"
#include "aggregator/exposition/number.h"

namespace metrics::inspect {
namespace {

using format::Type;
using reader::Family;
using reader::Label;

template <class Number>
std::string number(Number v) {
  char buffer[exposition::kMaxNumberSize];
  return {buffer, exposition::print(buffer, v)};
}

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

}  // namespace

std::vector<Sample> samples_of(const reader::Families& families, const Family& family,
                               const reader::Series& series) {
  const std::string& name = family.name;
  switch (family.type) {
    case Type::kCounter: {
      const auto [whole, fraction] = families.counter(series);
      return {{name + "_total", series.labels,
               fraction == 0 ? number(whole) : number(static_cast<double>(whole) + fraction)}};
    }
    case Type::kGauge:
      return {{name, series.labels, number(families.gauge(series))}};
    case Type::kInfo:
      return {{name + "_info", series.labels, "1"}};
    case Type::kHistogram:
    case Type::kSummary:
      break;
  }
  std::vector<Sample> samples;
  std::uint64_t count = 0;
  const auto buckets = families.buckets(family, series);
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    count += buckets[i];
    if (family.type == Type::kSummary) continue;
    std::string bound = "+Inf";
    if (i < family.bounds.size()) {
      bound.clear();
      exposition::append_bound(bound, family.bounds[i]);
    }
    samples.push_back({name + "_bucket", series.labels, number(count)});
    samples.back().labels.push_back({"le", bound});
  }
  samples.push_back({name + "_count", series.labels, number(count)});
  samples.push_back({name + "_sum", series.labels, number(families.sum(family, series))});
  return samples;
}

std::string spelled(const Sample& sample) {
  std::string text = sample.name;
  char before = '{';
  for (const Label& label : sample.labels) {
    text += before + label.name + "=\"";
    exposition::append_escaped_label_value(text, label.value);
    text += '"';
    before = ',';
  }
  return sample.labels.empty() ? text : text + '}';
}

bool Selector::matches(const Family& family, const Sample& sample) const {
  if (name != sample.name && name != family.name) return false;
  return std::all_of(labels.begin(), labels.end(), [&](const Label& wanted) {
    return std::find(sample.labels.begin(), sample.labels.end(), wanted) != sample.labels.end();
  });
}

Selector parse_selector(const std::string& text) {
  Selector selector;
  std::size_t at = std::min(text.find('{'), text.size());
  selector.name = text.substr(0, at);
  if (selector.name.empty()) refuse(text, 0, "a name is missing");
  if (const std::size_t bad = first_outside_name(text, 0); bad < at) {
    refuse(text, bad, "no name holds this");
  }
  if (at == text.size()) return selector;
  at = after_blanks(text, at + 1);
  while (at < text.size() && text[at] != '}') {
    const std::size_t equals = first_outside_name(text, at);
    if (equals == at) refuse(text, at, "a label's name is missing");
    if (equals >= text.size() || text[equals] != '=') refuse(text, equals, "a '=' is missing");
    Label label{text.substr(at, equals - at), {}};
    at = equals + 1;
    if (at >= text.size() || text[at] != '"')
      refuse(text, at, "the label's value must stand in '\"'");
    for (++at; at < text.size() && text[at] != '"'; ++at) {
      if (text[at] == '\\' && at + 1 < text.size()) {
        ++at;
        label.value += text[at] == 'n' ? '\n' : text[at];
      } else {
        label.value += text[at];
      }
    }
    if (at >= text.size()) refuse(text, at, "the closing '\"' is missing");
    selector.labels.push_back(std::move(label));
    at = after_blanks(text, at + 1);
    if (at >= text.size() || text[at] != ',') break;
    at = after_blanks(text, at + 1);
  }
  if (at >= text.size() || text[at] != '}') refuse(text, at, "a ',' or the closing '}' is missing");
  if (at + 1 != text.size()) refuse(text, at + 1, "something follows the closing '}'");
  return selector;
}

}  // namespace metrics::inspect
