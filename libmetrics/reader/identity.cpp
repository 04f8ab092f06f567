#include "libmetrics/reader/identity.h"

#include <algorithm>
#include <utility>

namespace metrics::reader {

std::string identity_of(std::span<const Label> labels) {
  std::vector<const Label*> sorted;
  for (const Label& label : labels) {
    if (!label.value.empty()) sorted.push_back(&label);
  }
  std::sort(sorted.begin(), sorted.end(),
            [](const Label* a, const Label* b) { return a->name < b->name; });
  // Labels are UTF-8, which never holds a byte 0xff, so 0xff can separate them.
  std::string text;
  for (const Label* label : sorted) {
    text.append(label->name).append("\xff").append(label->value).append("\xff");
  }
  return text;
}

std::string identity_of(const Labels& labels) {
  return identity_of(static_cast<std::vector<Label>>(labels));
}

void move_aside(std::vector<Label>& labels, std::string_view name) {
  const auto find = [&labels](std::string_view wanted) {
    return std::find_if(labels.begin(), labels.end(),
                        [&](const Label& label) { return label.name == wanted; });
  };
  const auto own = find(name);
  if (own == labels.end()) return;
  std::string free(name);
  while (find(free) != labels.end()) free.insert(0, "exported_");
  own->name = std::move(free);
}

}  // namespace metrics::reader
