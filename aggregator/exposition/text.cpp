#include "aggregator/exposition/text.h"

#include <string>

#include "aggregator/exposition/escape.h"
#include "aggregator/exposition/names.h"
#include "libmetrics/format/types.h"

namespace metrics::exposition {
namespace {

// Appends the HELP and TYPE lines. An info is a gauge here: a TYPE line with "info" would make
// Prometheus refuse the whole exposition.
void text_head(std::string& to, const reader::Family& family) {
  const format::TypeRow& row = format::row_of(family.type);
  const std::string name = family.name + std::string(row.name_ending);
  to += "# HELP ";
  append_family_name(to, name);
  to += ' ';
  append_escaped_help(to, family.help);
  to += "\n# TYPE ";
  append_family_name(to, name);
  to += ' ';
  to += row.text_name;
  to += '\n';
}

}  // namespace

TextEncoder::TextEncoder(const Options& options)
    : Pieces({.head = &text_head, .escaping = options.escaping, .threads = options.threads}) {}

}  // namespace metrics::exposition
