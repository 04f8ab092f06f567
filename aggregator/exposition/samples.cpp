#include "aggregator/exposition/samples.h"

#include "aggregator/exposition/exemplars.h"
#include "aggregator/exposition/names.h"

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
  std::string labels, text;
  append_labels(labels, sample.labels);
  append_series_name(text, sample.name, labels);
  return text;
}

std::string spelled(const Sample& sample, const reader::Exemplar& exemplar) {
  std::string text = spelled(sample);
  append_exemplar(text, exemplar);
  return text;
}

}  // namespace metrics::exposition
