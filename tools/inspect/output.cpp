#include "tools/inspect/output.h"

#include <cstdio>

#include "tools/inspect/commands.h"

namespace metrics::inspect {

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void print(const Json& json) { print(exposition::text_of(json)); }

int unreadable(const std::string& why) {
  std::fprintf(stderr, "metrics-inspect: %s\n", why.c_str());
  return kFault;
}

}  // namespace metrics::inspect
