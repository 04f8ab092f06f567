#include "aggregator/exposition/names.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "aggregator/exposition/escape.h"
#include "libmetrics/format/types.h"
#include "libmetrics/reader/identity.h"
#include "libmetrics/reader/seeded.h"

namespace metrics::exposition {
namespace {

using format::Escaping;
using format::NameOf;
using Names = std::unordered_set<std::string, reader::Seeded>;

void append_quoted(std::string& to, std::string_view text) {
  to += '"';
  append_escaped_label_value(to, text);
  to += '"';
}

// Returns true if no name changes. Does not look at labels of series whose number is not above
// `known`.
bool is_the_same(const reader::Family& family, Escaping escaping, std::uint64_t known) {
  const auto plain = [&](std::string_view name, NameOf of) {
    return format::is_legacy_name(name, of) &&
           (escaping != Escaping::kDots || name.find('_') == std::string_view::npos);
  };
  return plain(family.name + std::string(format::row_of(family.type).name_ending),
               NameOf::kFamily) &&
         std::ranges::all_of(family.series, [&](const reader::Series& series) {
           return (series.number != 0 && series.number <= known) ||
                  std::ranges::all_of(series.labels, [&](const reader::Label& label) {
                    return plain(label.name, NameOf::kLabel);
                  });
         });
}

std::uint64_t newest_of(const reader::Families& families) {
  std::uint64_t newest = 0;
  for (const reader::Family& family : families.families) {
    for (const reader::Series& series : family.series) newest = std::max(newest, series.number);
  }
  return newest;
}

// Returns the family's name escaped. Its ending is escaped with it, and stays at the end.
std::string escaped_name(const reader::Family& family, Escaping escaping) {
  const std::string_view ending = format::row_of(family.type).name_ending;
  std::string name = format::escaped(family.name + std::string(ending), escaping, NameOf::kFamily);
  name.resize(name.size() - ending.size());
  return name;
}

std::vector<reader::Label> escaped_labels(const std::vector<reader::Label>& labels,
                                          Escaping escaping) {
  std::vector<reader::Label> all;
  for (const reader::Label& label : labels) {
    std::string name = format::escaped(label.name, escaping, NameOf::kLabel);
    const auto is_taken = [&] {
      return std::ranges::find(all, name, &reader::Label::name) != all.end();
    };
    if (is_taken()) name = format::escaped(label.name, Escaping::kValues, NameOf::kLabel);
    if (!is_taken()) all.push_back({std::move(name), label.value});
  }
  return all;
}

}  // namespace

std::optional<reader::Families> escaped(const reader::Families& families, Escaping escaping,
                                        std::vector<std::string>* left_out, std::uint64_t* known) {
  if (escaping == Escaping::kAllowUtf8) return std::nullopt;
  const std::uint64_t last_known = known == nullptr ? 0 : *known;
  if (std::ranges::all_of(families.families, [&](const reader::Family& family) {
        return is_the_same(family, escaping, last_known);
      })) {
    if (known != nullptr) *known = newest_of(families);
    return std::nullopt;
  }
  if (known != nullptr) *known = 0;
  const auto samples_of = [&](const reader::Family& family) {
    return format::sample_names(family.type, escaped_name(family, escaping));
  };
  // Those that yield come last, and take what names are left, where other escapings leave some.
  Names taken;
  std::unordered_set<const reader::Family*> written;
  for (const bool yields : {false, true}) {
    reader::each_family(families, [&](std::span<const reader::Family> parts) {
      const reader::Family& first = parts.front();
      if (first.yields != yields || (yields && escaping == Escaping::kUnderscores)) return;
      std::vector<std::string> samples = samples_of(first);
      if (std::ranges::none_of(samples,
                               [&](const auto& sample) { return taken.contains(sample); })) {
        written.insert(&first);
        std::ranges::move(samples, std::inserter(taken, taken.end()));
      } else if (left_out != nullptr) {
        left_out->push_back(std::string(format::to_string(first.type)) + " \"" + first.name +
                            "\" is left out for servers that see it as \"" +
                            escaped_name(first, escaping) +
                            "\": another family has that name, or one of its samples");
      }
    });
  }
  reader::Families all;
  all.shape = families.shape;
  reader::each_family(families, [&](std::span<const reader::Family> parts) {
    if (!written.contains(&parts.front())) return;
    const std::string name = escaped_name(parts.front(), escaping);
    Names series_there;
    for (const reader::Family& part : parts) {
      reader::Family& to = all.families.emplace_back(part);
      to.name = name;
      to.series.clear();
      for (const reader::Series& series : part.series) {
        reader::Series one = series;
        one.labels = escaped_labels(series.labels, escaping);
        if (series_there.insert(reader::identity_of(one.labels)).second) {
          to.series.push_back(std::move(one));
        }
      }
    }
  });
  return all;
}

void append_family_name(std::string& to, std::string_view name) {
  if (format::is_legacy_name(name, NameOf::kFamily)) {
    to += name;
  } else {
    append_quoted(to, name);
  }
}

void append_series_name(std::string& to, std::string_view name, std::string_view labels) {
  const bool legacy = format::is_legacy_name(name, NameOf::kFamily);
  if (legacy) to += name;
  if (legacy && labels.empty()) return;
  to += '{';
  if (!legacy) append_quoted(to, name);
  if (!legacy && !labels.empty()) to += ',';
  to += labels;
  to += '}';
}

void append_labels(std::string& to, const std::vector<reader::Label>& labels) {
  bool first = true;
  for (const reader::Label& label : labels) {
    if (!first) to += ',';
    first = false;
    if (format::is_legacy_name(label.name, NameOf::kLabel)) {
      to += label.name;
    } else {
      append_quoted(to, label.name);
    }
    to += '=';
    append_quoted(to, label.value);
  }
}

}  // namespace metrics::exposition
