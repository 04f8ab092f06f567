// yaml_reader.h -- strict reading of YAML: each fault names its file and line.
#pragma once

#include <yaml-cpp/node/node.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace metrics::web {

// A name in a file, and what it stands for.
template <typename Value>
struct Named {
  std::string_view name;
  Value value;
};

std::string quoted(std::string_view text);

// Returns the names as "a, b or c".
std::string list_of(std::span<const std::string> names);

// Reads nodes of one file. A field without a value (`field:`) is as if it were not there.
class YamlReader {
 public:
  // `path` is for messages, and must outlive the reader.
  explicit YamlReader(const std::string& path) : path_(path) {}

  // Throws std::invalid_argument, with a line that begins with "PATH:LINE: ". All others do so,
  // too, where a node is not what they read.
  [[noreturn]] void refuse(int line, const std::string& why) const;
  [[noreturn]] void refuse(const YAML::Node& node, const std::string& why) const {
    refuse(line_of(node), why);
  }

  static int line_of(const YAML::Node& node) { return node.Mark().line + 1; }

  // Returns the one document of a text; a null node if it has none.
  YAML::Node document(const std::string& text) const;

  using Take = std::function<void(const YAML::Node&)>;
  struct Field {
    std::string_view name;
    Take take;
  };

  // Calls, for each entry of a mapping that has a value, what takes the field of that name.
  void fields(const YAML::Node& node, const std::string& where, std::span<const Field> known) const;

  // Calls `take` with the name, its node and the value of each entry of a mapping.
  using TakeEntry = std::function<void(const std::string&, const YAML::Node&, const YAML::Node&)>;
  void entries(const YAML::Node& node, const std::string& where, const TakeEntry& take) const;

  std::string text(const YAML::Node& node) const;
  std::vector<std::string> texts(const YAML::Node& node) const;
  bool boolean(const YAML::Node& node) const;

  // Reads a number that is not negative.
  int count(const YAML::Node& node) const;

  // Reads a duration as Go spells it: "1s", "1m30s", "1.5ms"; a number alone is nanoseconds.
  std::chrono::nanoseconds duration(const YAML::Node& node) const;

  // Returns the value that stands for a name.
  template <typename Value, std::size_t kSize>
  Value one_of(const YAML::Node& node, const std::array<Named<Value>, kSize>& known) const {
    const std::string given = text(node);
    for (const auto& [name, value] : known) {
      if (name == given) return value;
    }
    std::vector<std::string> names;
    for (const auto& [name, value] : known) names.emplace_back(name);
    refuse(node, quoted(given) + " is not known; write " + list_of(names));
  }

 private:
  const std::string& path_;
};

}  // namespace metrics::web
