#include "aggregator/exposition/exemplars.h"

#include "aggregator/exposition/names.h"

namespace metrics::exposition {

const reader::Exemplar* ExemplarWalk::up_to(double upper) noexcept {
  const reader::Exemplar* newest = nullptr;
  for (; !rest_.empty() && rest_.front().value <= upper; rest_ = rest_.subspan(1)) {
    const reader::Exemplar& e = rest_.front();
    if (newest == nullptr || e.stamp_ns > newest->stamp_ns) newest = &e;
  }
  return newest;
}

void append_exemplar(std::string& to, const reader::Exemplar& e) {
  to += " # {";
  append_labels(to, e.labels);
  to += "} ";
  char number[kMaxNumberSize];
  to.append(number, static_cast<std::size_t>(print(number, e.value) - number));
  to += ' ';
  append_seconds(to, e.stamp_ns);
}

}  // namespace metrics::exposition
