// source.h -- reads a segment into pictures.
#pragma once

#include <string>

#include "libmetrics/reader/merge.h"
#include "tools/inspect/top/picture.h"

namespace metrics::inspect::top {

class Source {
 public:
  explicit Source(std::string file);
  Picture look();

 private:
  reader::SegmentMerge merge_;
};

}  // namespace metrics::inspect::top
