#include "aggregator/exposition/samples.h"

#include "aggregator/exposition/escape.h"

namespace metrics::exposition {

std::vector<Sample> samples_of(const reader::Families& families, const reader::Family& family,
                               const reader::Series& series) {
  std::vector<Sample> samples;
  each_sample(family, [&](std::string_view ending, std::string_view bound) {
    samples.push_back({family.name + std::string(ending), series.labels, "1"});
    if (!bound.empty()) samples.back().labels.push_back({"le", std::string(bound)});
  });
  std::size_t next = 0;
  each_number(numbers_of(family), families.values.data() + series.first_value, [&](auto number) {
    char buffer[kMaxNumberSize];
    samples[next++].value.assign(buffer, print(buffer, number));
  });
  return samples;
}

std::string spelled(const Sample& sample) {
  if (sample.labels.empty()) return sample.name;
  std::string text = sample.name + '{';
  append_labels(text, sample.labels);
  return text + '}';
}

void append_labels(std::string& to, const std::vector<reader::Label>& labels) {
  bool first = true;
  for (const reader::Label& label : labels) {
    if (!first) to += ',';
    first = false;
    to += label.name;
    to += "=\"";
    append_escaped_label_value(to, label.value);
    to += '"';
  }
}

}  // namespace metrics::exposition
