#include "aggregator/exposition/escape.h"

namespace metrics::exposition {
namespace {

void append_escaped(std::string& to, std::string_view text, std::string_view special) {
  while (true) {
    const std::size_t plain = text.find_first_of(special);
    to += text.substr(0, plain);
    if (plain == std::string_view::npos) return;
    to += '\\';
    to += text[plain] == '\n' ? 'n' : text[plain];
    text.remove_prefix(plain + 1);
  }
}

}  // namespace

void append_escaped_help(std::string& to, std::string_view text) {
  append_escaped(to, text, "\\\n");
}

void append_escaped_label_value(std::string& to, std::string_view text) {
  append_escaped(to, text, "\\\n\"");
}

}  // namespace metrics::exposition
