#include "aggregator/exposition/openmetrics.h"

#include <string>

#include "aggregator/exposition/escape.h"
#include "aggregator/exposition/names.h"
#include "libmetrics/format/types.h"

namespace metrics::exposition {
namespace {

void append_head(std::string& to, const std::string& name, std::string_view type,
                 const reader::Family& family) {
  const auto begin_line = [&](std::string_view what) {
    to += what;
    append_family_name(to, name);
    to += ' ';
  };
  begin_line("# HELP ");
  append_escaped_label_value(to, family.help);
  begin_line("\n# TYPE ");
  to += type;
  to += '\n';
  if (!family.unit.empty() && name.ends_with('_' + family.unit)) {
    begin_line("# UNIT ");
    to += family.unit + '\n';
  }
}

void openmetrics_head(std::string& to, const reader::Family& family) {
  append_head(to, family.name, format::row_of(family.type).name, family);
}

void unknown_head(std::string& to, const reader::Family& family, std::string_view ending) {
  append_head(to, family.name + std::string(ending), "unknown", family);
}

}  // namespace

OpenMetricsEncoder::OpenMetricsEncoder(const Options& options)
    : Pieces({.head = &openmetrics_head,
              .end = "# EOF\n",
              .unknown_head = &unknown_head,
              .created = options.created_lines,
              .exemplars = true,
              .escaping = options.escaping,
              .threads = options.threads}) {}

}  // namespace metrics::exposition
