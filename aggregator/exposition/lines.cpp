#include "aggregator/exposition/lines.h"

#include <utility>

#include "aggregator/exposition/escape.h"
#include "aggregator/exposition/names.h"
#include "aggregator/exposition/samples.h"
#include "libmetrics/format/types.h"

namespace metrics::exposition {
namespace {

// Appends what a line has of that name and one more label, which may be empty. Returns the size of
// what is in front of the series' labels.
using AppendLine = std::size_t (*)(std::string& to, const std::string& name, std::string_view more);

std::size_t append_labelled_line(std::string& to, const std::string& name, std::string_view more) {
  constexpr std::string_view kLabels = "x";
  const std::size_t begin = to.size();
  append_series_name(to, name, kLabels);
  to.resize(to.size() - kLabels.size() - 1);  // with the brace
  const std::size_t before = to.size() - begin;
  if (!more.empty()) to.append(1, ',').append(more);
  to += "} ";
  return before;
}

std::size_t append_line_alone(std::string& to, const std::string& name, std::string_view more) {
  const std::size_t begin = to.size();
  append_series_name(to, name, more);
  to += ' ';
  return to.size() - begin;
}

Lines lines_of(const reader::Family& family, std::string_view wanted, AppendLine append) {
  Lines lines;
  std::string text;
  const auto line_of = [&](std::string_view ending, std::string_view more) {
    const auto begin = static_cast<std::uint32_t>(text.size());
    const auto before =
        static_cast<std::uint32_t>(append(text, family.name + std::string(ending), more));
    const auto after = begin + before;
    return Line{begin, before, after, static_cast<std::uint32_t>(text.size()) - after};
  };
  each_sample(family, [&](std::string_view ending, std::string_view bound) {
    if (wanted != kAllSamples && ending != wanted) return;
    const std::string le = bound.empty() ? "" : "le=\"" + std::string(bound) + '"';
    lines.samples.push_back(line_of(ending, le));
  });
  lines.created = line_of(format::kCreatedEnding, {});
  lines.text = PaddedText(text);
  return lines;
}

}  // namespace

Lines labelled_lines(const reader::Family& family, std::string_view ending) {
  return lines_of(family, ending, append_labelled_line);
}

Lines lines_alone(const reader::Family& family, std::string_view ending) {
  return lines_of(family, ending, append_line_alone);
}

LabelStarts label_starts(const reader::SeriesList::Entry& entry) {
  LabelStarts all;
  for (const auto& names : entry.chunk->names()) {
    std::vector<std::string>& starts = all.emplace_back();
    const auto add = [&](const std::string& name) {
      std::string start = starts.empty() ? "" : ",";
      append_labels(start, std::vector<reader::Label>{{name, ""}});
      start.pop_back();  // the quote behind the value
      starts.push_back(std::move(start));
    };
    for (const std::string& name : *names) add(name);
    if (entry.last != nullptr) add(entry.last->name);
  }
  return all;
}

void append_labels(std::string& to, const std::vector<std::string>& starts,
                   const reader::Labels& labels) {
  auto start = starts.begin();
  labels.each([&](std::string_view, std::string_view value) {
    to += *start++;
    append_escaped_label_value(to, value);
    to += '"';
  });
}

}  // namespace metrics::exposition
