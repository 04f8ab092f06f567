#include "tests/aggregator/exposition/read_back.h"

#include <charconv>
#include <cmath>
#include <protozero/pbf_reader.hpp>
#include <protozero/varint.hpp>
#include <stdexcept>

#include "aggregator/exposition/number.h"

namespace metrics::test {
namespace {

using Labels = std::map<std::string, std::string>;
using protozero::pbf_reader;

[[noreturn]] void fail(const std::string& why, std::string_view where) {
  throw std::runtime_error(why + ": " + std::string(where.substr(0, 300)));
}

std::string spelled(double value) {
  char buffer[exposition::kMaxNumberSize];
  return {buffer, exposition::print(buffer, value)};
}

double number(std::string_view text) {
  if (text == "+Inf") return HUGE_VAL;
  if (text == "-Inf") return -HUGE_VAL;
  if (text == "NaN") return std::nan("");
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) fail("no number", text);
  return value;
}

void add(ReadBack& to, const std::string& name, const Labels& labels, double value) {
  std::string key = name + '{';
  for (const auto& [label, text] : labels) {
    if (!text.empty()) key.append(label).append("=\"").append(text).append("\",");
  }
  if (!to.emplace(key + '}', spelled(value)).second) fail("twice", key);
}

// Reads a quoted text, which the rest begins with, and leaves what is behind it.
std::string quoted(std::string_view& rest) {
  if (!rest.starts_with('"')) fail("no quote", rest);
  std::string text;
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return text;
    }
    if (rest[i] != '\\') {
      text += rest[i];
    } else if (++i < rest.size() && rest[i] == 'n') {
      text += '\n';
    } else if (i < rest.size() && (rest[i] == '\\' || rest[i] == '"')) {
      text += rest[i];
    } else {
      fail("no escape", rest);
    }
  }
  fail("no end of a quoted text", rest);
}

std::string taken(std::string_view& rest, std::string_view ends) {
  const std::size_t end = std::min(rest.find_first_of(ends), rest.size());
  std::string text(rest.substr(0, end));
  rest.remove_prefix(end);
  return text;
}

void read_sample(ReadBack& to, std::string_view rest) {
  std::string name = taken(rest, "{ ");
  Labels labels;
  if (rest.starts_with('{')) {
    rest.remove_prefix(1);
    while (!rest.starts_with('}')) {
      const bool is_quoted = rest.starts_with('"');
      std::string label = is_quoted ? quoted(rest) : taken(rest, "=,}");
      if (rest.starts_with('=')) {
        rest.remove_prefix(1);
        if (!labels.emplace(std::move(label), quoted(rest)).second) fail("a label twice", rest);
      } else if (is_quoted && name.empty()) {
        name = std::move(label);
      } else {
        fail("no label", rest);
      }
      if (rest.starts_with(',')) rest.remove_prefix(1);
      if (rest.empty()) fail("no end of labels", name);
    }
    rest.remove_prefix(1);
  }
  if (name.empty() || !rest.starts_with(' ')) fail("no sample", rest);
  add(to, name, labels, number(rest.substr(1)));
}

ReadBack read_lines(std::string_view text) {
  ReadBack all;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) fail("no end of a line", text);
    if (!text.starts_with('#')) read_sample(all, text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return all;
}

Labels::value_type read_label(pbf_reader pair) {
  std::string name, value;
  while (pair.next()) {
    std::string& text = pair.tag() == 1 ? name : value;
    text = pair.get_string();
  }
  return {name, value};
}

void read_bucket(ReadBack& to, const std::string& name, Labels labels, pbf_reader bucket) {
  std::uint64_t below = 0;
  double bound = 0;
  while (bucket.next()) {
    if (bucket.tag() == 1) {
      below = bucket.get_uint64();
    } else if (bucket.tag() == 2) {
      bound = bucket.get_double();
    } else {
      bucket.skip();
    }
  }
  std::string le;
  exposition::append_bound(le, bound);
  labels["le"] = le;
  add(to, name + "_bucket", labels, static_cast<double>(below));
}

// Reads a summary or a histogram: fields 1 and 2 are count and sum in both.
void read_observations(ReadBack& to, const std::string& name, const Labels& labels,
                       pbf_reader message, bool buckets) {
  std::uint64_t count = 0;
  double sum = 0;
  while (message.next()) {
    if (message.tag() == 1) {
      count = message.get_uint64();
    } else if (message.tag() == 2) {
      sum = message.get_double();
    } else if (message.tag() == 3 && buckets) {
      read_bucket(to, name, labels, message.get_message());
    } else {
      message.skip();
    }
  }
  if (buckets) {
    Labels all = labels;
    all["le"] = "+Inf";
    add(to, name + "_bucket", all, static_cast<double>(count));
  }
  add(to, name + "_count", labels, static_cast<double>(count));
  add(to, name + "_sum", labels, sum);
}

void read_metric(ReadBack& to, const std::string& name, pbf_reader metric) {
  Labels labels;
  while (metric.next()) {
    switch (metric.tag()) {
      case 1:
        if (!labels.insert(read_label(metric.get_message())).second) fail("a label twice", name);
        break;
      case 2:
      case 3: {
        pbf_reader value = metric.get_message();
        if (!value.next(1)) fail("no value", name);
        add(to, name, labels, value.get_double());
        break;
      }
      case 4:
        read_observations(to, name, labels, metric.get_message(), false);
        break;
      case 7:
        read_observations(to, name, labels, metric.get_message(), true);
        break;
      default:
        fail("no field of a metric", name);
    }
  }
}

}  // namespace

ReadBack read_text(std::string_view text) { return read_lines(text); }

ReadBack read_openmetrics(std::string_view text) {
  constexpr std::string_view kEnd = "# EOF\n";
  if (!text.ends_with(kEnd)) fail("no EOF", text);
  return read_lines(text);
}

ReadBack read_protobuf(std::string_view bytes) {
  ReadBack all;
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at != end) {
    const std::uint64_t size = protozero::decode_varint(&at, end);
    if (size > static_cast<std::uint64_t>(end - at)) fail("a length is wrong", "");
    pbf_reader family(at, static_cast<std::size_t>(size));
    at += size;
    std::string name;
    while (family.next()) {
      if (family.tag() == 1) {
        name = family.get_string();
      } else if (family.tag() == 4) {
        read_metric(all, name, family.get_message());
      } else {
        family.skip();
      }
    }
  }
  return all;
}

}  // namespace metrics::test
