#include "aggregator/web/yaml_reader.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <stdexcept>
#include <system_error>

namespace metrics::web {
namespace {

constexpr double kLongest = 9e18;  // a duration, in nanoseconds: what 64 bits hold

double nanoseconds_of(std::string_view unit, bool number_alone) {
  constexpr std::array<Named<double>, 8> kUnits = {{{"ns", 1},
                                                    {"us", 1e3},
                                                    {"\u00b5s", 1e3},
                                                    {"\u03bcs", 1e3},
                                                    {"ms", 1e6},
                                                    {"s", 1e9},
                                                    {"m", 60e9},
                                                    {"h", 3600e9}}};
  if (unit.empty()) return number_alone ? 1 : 0;
  for (const auto& [name, value] : kUnits) {
    if (name == unit) return value;
  }
  return 0;
}

// Returns true if the line of that number, of which the first is 1, begins with a tab, or with
// blanks and a tab.
bool is_indented_with_tab(std::string_view text, int line) {
  std::size_t begin = 0;
  for (int i = 1; i < line; ++i) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) return false;
    begin = end + 1;
  }
  const std::size_t first = text.find_first_not_of(' ', begin);
  return first != std::string_view::npos && text[first] == '\t';
}

}  // namespace

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

std::string list_of(std::span<const std::string> names) {
  std::string list;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) list += i + 1 == names.size() ? " or " : ", ";
    list += names[i];
  }
  return list;
}

void YamlReader::refuse(int line, const std::string& why) const {
  throw std::invalid_argument(path_ + ':' + std::to_string(line) + ": " + why);
}

YAML::Node YamlReader::document(const std::string& text) const {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.size() > 1) refuse(documents[1], "this is a second document; keep one");
    return documents.empty() ? YAML::Node() : documents.front();
  } catch (const YAML::Exception& e) {
    const int line = std::max(e.mark.line, 0) + 1;
    // For which yaml-cpp has "illegal map value".
    if (is_indented_with_tab(text, line)) refuse(line, "it is indented with a tab; write spaces");
    refuse(line, "this is not YAML: " + e.msg);
  }
}

void YamlReader::fields(const YAML::Node& node, const std::string& where,
                        std::span<const Field> known) const {
  entries(node, where,
          [&](const std::string& name, const YAML::Node& key, const YAML::Node& value) {
            const auto field = std::find_if(known.begin(), known.end(),
                                            [&](const Field& f) { return f.name == name; });
            if (field == known.end()) {
              refuse(key, "field " + quoted(name) + " is not known in " + where);
            }
            if (!value.IsNull()) field->take(value);
          });
}

void YamlReader::entries(const YAML::Node& node, const std::string& where,
                         const TakeEntry& take) const {
  if (!node.IsMap()) refuse(node, where + " must be a mapping: \"name: value\" lines");
  std::set<std::string> seen;
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) refuse(entry.first, "a name is missing in " + where);
    const std::string& name = entry.first.Scalar();
    if (!seen.insert(name).second) {
      refuse(entry.first, quoted(name) + " is there twice in " + where);
    }
    take(name, entry.first, entry.second);
  }
}

std::string YamlReader::text(const YAML::Node& node) const {
  if (!node.IsScalar()) refuse(node, "a text is expected here");
  return node.Scalar();
}

std::vector<std::string> YamlReader::texts(const YAML::Node& node) const {
  if (!node.IsSequence()) refuse(node, "a list is expected here: \"- value\" lines");
  std::vector<std::string> values;
  for (const YAML::Node& value : node) values.push_back(text(value));
  return values;
}

bool YamlReader::boolean(const YAML::Node& node) const {
  bool value = false;
  if (!node.IsScalar() || !YAML::convert<bool>::decode(node, value)) {
    refuse(node, "true or false is expected here");
  }
  return value;
}

int YamlReader::count(const YAML::Node& node) const {
  const std::string digits = text(node);
  int value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value < 0) {
    refuse(node, "a number that is not negative is expected here");
  }
  return value;
}

std::chrono::nanoseconds YamlReader::duration(const YAML::Node& node) const {
  const std::string given = text(node);
  std::string_view rest = given;
  double sum = 0;
  while (!rest.empty()) {
    const bool first = rest.size() == given.size();
    double value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    const std::size_t unit_size = std::min(rest.find_first_of("0123456789."), rest.size());
    const double unit = nanoseconds_of(rest.substr(0, unit_size), first && rest.empty());
    if (error != std::errc() || unit == 0) break;
    rest.remove_prefix(unit_size);
    sum += value * unit;
    if (rest.empty() && sum >= 0 && sum < kLongest) {
      return std::chrono::nanoseconds(std::llround(sum));
    }
  }
  refuse(node, "a duration is expected here, e.g. 1s or 100ms");
}

}  // namespace metrics::web
