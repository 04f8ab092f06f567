#include "libmetrics/reader/mapping.h"

#include <signal.h>
#include <sys/mman.h>

#include <utility>

namespace metrics::reader {

constinit thread_local sigjmp_buf* guard_of_this_thread = nullptr;

namespace {

struct sigaction before;

void on_sigbus(int, siginfo_t*, void*) {
  if (guard_of_this_thread != nullptr) siglongjmp(*guard_of_this_thread, 1);
  // Not ours: restore the previous handler; the access faults again and reaches it.
  ::sigaction(SIGBUS, &before, nullptr);
}

bool install() noexcept {
  struct sigaction action {};
  action.sa_sigaction = on_sigbus;
  action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  return ::sigaction(SIGBUS, &action, &before) == 0;
}

}  // namespace

Mapping::Mapping(int fd, std::uint64_t bytes) noexcept {
  static const bool installed = install();
  if (!installed) return;
  void* at = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED | MAP_NORESERVE, fd, 0);
  if (at == MAP_FAILED) return;
  ::madvise(at, bytes, MADV_DONTDUMP);
  data_ = static_cast<const std::byte*>(at);
  bytes_ = bytes;
}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Mapping::~Mapping() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), bytes_);
}

}  // namespace metrics::reader
