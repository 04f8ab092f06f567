#include "aggregator/http/admission.h"

namespace metrics::http {

void Admission::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

bool Admission::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

int Admission::visits() const {
  const std::lock_guard lock(mutex_);
  return visits_;
}

Admission::Visit::Visit(Admission& admission) : admission_(admission) {
  const std::lock_guard lock(admission_.mutex_);
  ++admission_.visits_;
  came_after_closing_ = admission_.closed_;
}

Admission::Visit::~Visit() {
  const std::lock_guard lock(admission_.mutex_);
  if (seated_) ++admission_.free_seats_;
  --admission_.visits_;
}

bool Admission::Visit::admit() {
  const std::lock_guard lock(admission_.mutex_);
  if (admission_.free_seats_ == 0) return false;
  --admission_.free_seats_;
  return seated_ = true;
}

}  // namespace metrics::http
