// trend.h -- whether a figure that is taken again and again grows.
#pragma once

#include <vector>

namespace metrics::torture {

class Trend {
 public:
  void add(double figure) { figures_.push_back(figure); }
  // Return the medians of the first and the last quarter; 0 without figures.
  double early() const;
  double late() const;
  // Returns by what part of its median the figure has grown from the first to the last time, by the
  // median slope of all pairs: a few outliers change nothing. 0 with fewer than two figures.
  double growth() const;

 private:
  std::vector<double> figures_;  // at equal distances of time
};

}  // namespace metrics::torture
