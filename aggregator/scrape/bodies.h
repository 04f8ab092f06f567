// bodies.h -- strings for responses, which are reused when the last response that has one is gone:
// allocating room for a body costs as much as writing it.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace metrics::scrape {

class Bodies {
 public:
  // Returns a string for one body, with the content of a former one. The thread that lets it go
  // last gives it back, if it is worth keeping; the string may outlive this object.
  std::shared_ptr<std::string> next();

 private:
  struct Kept {
    std::mutex mutex;
    std::vector<std::unique_ptr<std::string>> free;
  };
  const std::shared_ptr<Kept> kept_ = std::make_shared<Kept>();
};

}  // namespace metrics::scrape
