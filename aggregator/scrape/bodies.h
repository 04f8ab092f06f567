// bodies.h -- strings for responses, used again when the last one who has them lets them go: making
// room for a body costs as much as writing it.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace metrics::scrape {

class Bodies {
 public:
  // A string for one body. It holds what a former one held. It comes back, if it is worth keeping,
  // by whichever thread lets it go last, which may outlive this object.
  std::shared_ptr<std::string> next();

 private:
  struct Kept {
    std::mutex mutex;
    std::vector<std::unique_ptr<std::string>> free;
  };
  const std::shared_ptr<Kept> kept_ = std::make_shared<Kept>();
};

}  // namespace metrics::scrape
