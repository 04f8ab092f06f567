#include "tools/inspect/output.h"

#include <unistd.h>

#include <cstdio>

#include "libmetrics/format/printable.h"
#include "tools/inspect/commands.h"

namespace metrics::inspect {
namespace {

void put(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

}  // namespace

void print_line(std::string_view text) { put(format::printable(text) + '\n'); }

void print(const Json& json) { put(exposition::text_of(json)); }

void print_json_line(const Json& json) {
  print_line(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void print_exposition(const std::string& text) {
  put(::isatty(STDOUT_FILENO) != 0 ? format::printable_lines(text) : text);
}

void complain(std::string_view text) {
  std::fprintf(stderr, "metrics-inspect: %s\n", format::printable(text).c_str());
}

void replace_line(std::string_view text) {
  std::fprintf(stderr, "\r%s\x1b[K", format::printable(text).c_str());
  std::fflush(stderr);
}

int unreadable(const std::string& why) {
  complain(why);
  return kFault;
}

}  // namespace metrics::inspect
