#include "tests/torture/trend.h"

#include <algorithm>
#include <cstddef>

namespace metrics::torture {
namespace {

double median(std::vector<double> figures) {
  if (figures.empty()) return 0;
  const auto middle = figures.begin() + static_cast<std::ptrdiff_t>(figures.size() / 2);
  std::nth_element(figures.begin(), middle, figures.end());
  return *middle;
}

std::ptrdiff_t quarter(const std::vector<double>& figures) {
  return static_cast<std::ptrdiff_t>((figures.size() + 3) / 4);
}

}  // namespace

double Trend::early() const {
  return median({figures_.begin(), figures_.begin() + quarter(figures_)});
}

double Trend::late() const { return median({figures_.end() - quarter(figures_), figures_.end()}); }

double Trend::growth() const {
  std::vector<double> slopes;
  for (std::size_t i = 0; i < figures_.size(); ++i) {
    for (std::size_t k = i + 1; k < figures_.size(); ++k) {
      slopes.push_back((figures_[k] - figures_[i]) / static_cast<double>(k - i));
    }
  }
  const double middle = median(figures_);
  if (slopes.empty() || middle == 0) return 0;
  return median(slopes) * static_cast<double>(figures_.size() - 1) / middle;
}

}  // namespace metrics::torture
