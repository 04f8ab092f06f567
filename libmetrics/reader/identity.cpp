#include "libmetrics/reader/identity.h"

#include <algorithm>
#include <vector>

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

}  // namespace metrics::reader
