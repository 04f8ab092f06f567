#include "aggregator/scrape/bodies.h"

#include <cstddef>
#include <utility>

namespace metrics::scrape {
namespace {

// How many bodies are kept. A body larger than kLargeBody is kept only if no other one is.
constexpr std::size_t kKeptBodies = 4;
constexpr std::size_t kLargeBody = std::size_t{1} << 20;

}  // namespace

std::shared_ptr<std::string> Bodies::next() {
  std::unique_ptr<std::string> body;
  {
    const std::lock_guard lock(kept_->mutex);
    if (!kept_->free.empty()) {
      body = std::move(kept_->free.back());
      kept_->free.pop_back();
    } else {
      kept_->free.reserve(kKeptBodies);  // so that giving one back can't fail
    }
  }
  if (body == nullptr) body = std::make_unique<std::string>();
  return {body.release(), [kept = kept_](std::string* done) {
            std::unique_ptr<std::string> spare(done);
            const std::lock_guard lock(kept->mutex);
            const std::size_t room = spare->capacity() <= kLargeBody ? kKeptBodies : 1;
            if (kept->free.size() < room) kept->free.push_back(std::move(spare));
          }};
}

}  // namespace metrics::scrape
