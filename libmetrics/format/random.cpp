#include "libmetrics/format/random.h"

#include <sys/auxv.h>
#include <sys/random.h>

#include <cstring>

namespace metrics::format {

HashKey random_key() noexcept {
  HashKey key{};
  if (::getrandom(key.data(), sizeof key, GRND_NONBLOCK) == sizeof key) return key;
  HashKey start{};
  const std::uint64_t address = ::getauxval(AT_RANDOM);
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel gives addresses as numbers
  const auto* bytes = reinterpret_cast<const void*>(address);
  if (bytes != nullptr) std::memcpy(start.data(), bytes, sizeof start);
  // The C library's stack canaries come from the same bytes, so that they must not stand in a file:
  // a product's halves, folded, don't lead back to its factors.
  key[0] = hash_mix(start[0] ^ 0xa0761d6478bd642f, start[1] ^ 0xe7037ed1a0b428db);
  key[1] = hash_mix(start[0] ^ 0x8ebc6af09c88c6e3, start[1] ^ 0x589965cc75374cc3);
  return key;
}

}  // namespace metrics::format
