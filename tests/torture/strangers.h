// strangers.h -- files of strangers in a directory of segments: few bytes on disk that claim, or
// describe, as much as the format allows.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace metrics::torture {

struct Strangers {
  const char* what;
  // Makes the files in the directory. Throws std::runtime_error if it can't.
  void (*make)(const std::string& directory);
};

std::span<const Strangers> all_strangers();

}  // namespace metrics::torture
