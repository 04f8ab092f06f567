#include "aggregator/exposition/gzip.h"

#include <libdeflate.h>

#include <new>
#include <stdexcept>
#include <string>

namespace metrics::exposition {

void Gzip::Free::operator()(libdeflate_compressor* compressor) const noexcept {
  libdeflate_free_compressor(compressor);
}

Gzip::Gzip(int level) {
  if (level < 0 || level > 12) {
    throw std::invalid_argument("gzip level " + std::to_string(level) + ": must be 0 to 12");
  }
  compressor_.reset(libdeflate_alloc_compressor(level));
  if (!compressor_) throw std::bad_alloc();
}

std::string_view Gzip::compress(std::string_view data) {
  const std::size_t bound = libdeflate_gzip_compress_bound(compressor_.get(), data.size());
  if (bound > capacity_) {
    buffer_ = std::make_unique_for_overwrite<char[]>(bound);
    capacity_ = bound;
  }
  const std::size_t size = libdeflate_gzip_compress(compressor_.get(), data.data(), data.size(),
                                                    buffer_.get(), capacity_);
  // 0 means that the buffer was too small, which the bound rules out.
  if (size == 0) throw std::logic_error("gzip: libdeflate exceeded its own bound");
  return {buffer_.get(), size};
}

}  // namespace metrics::exposition
