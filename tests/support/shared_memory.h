// shared_memory.h -- memory that forked children share with their parent, outside of any segment.
#pragma once

#include <cstddef>
#include <new>

namespace metrics::test {

// Maps that many bytes of zeroed pages, which stay mapped until the process ends. Throws
// std::system_error if there is no memory.
void* shared_memory(std::size_t bytes);

// Makes a T in such memory. Its destructor never runs.
template <class T>
T& shared() {
  return *new (shared_memory(sizeof(T))) T();
}

}  // namespace metrics::test
