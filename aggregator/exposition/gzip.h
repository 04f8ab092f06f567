// gzip.h -- an exposition as a gzip file (RFC 1952), for Content-Encoding: gzip.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

struct libdeflate_compressor;

namespace metrics::exposition {

// Keeps the compressor's memory and a buffer for the largest output so far. Not
// thread-safe: each thread needs its own.
class Gzip {
 public:
  // Repeated names make expositions compress so well that higher levels buy little for their time.
  static constexpr int kFastest = 1;

  // `level` is 0 (stored) to 12 (slowest). Throws std::invalid_argument for other levels, or
  // std::bad_alloc.
  explicit Gzip(int level = kFastest);

  // Returns one complete gzip member, valid until the next call or the end of this object. Throws
  // std::bad_alloc.
  std::string_view compress(std::string_view data);

 private:
  struct Free {
    void operator()(libdeflate_compressor* compressor) const noexcept;
  };
  std::unique_ptr<libdeflate_compressor, Free> compressor_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
};

}  // namespace metrics::exposition
