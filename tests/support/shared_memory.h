// shared_memory.h -- memory that forked children share with their parent, outside of any segment.
#pragma once

#include <cstddef>
#include <new>

namespace metrics::test {

// Maps zeroed pages for so many bytes, which nobody unmaps. Throws std::system_error if there are
// none.
void* shared_memory(std::size_t bytes);

template <class T>
T& shared() {
  return *new (shared_memory(sizeof(T))) T();
}

}  // namespace metrics::test
