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

// Returns true if that name is written as it is.
bool is_plain(std::string_view name, NameOf of, Escaping escaping) {
  return format::is_legacy_name(name, of) &&
         (escaping != Escaping::kDots || name.find('_') == std::string_view::npos);
}

// Returns true if the names of all labels are written as they are.
bool has_plain_labels(const reader::Family& family, Escaping escaping) {
  const reader::LabelNames* last = nullptr;  // most series have the names of the one before
  for (const auto& entry : family.series.entries()) {
    if (entry.last != nullptr && !is_plain(entry.last->name, NameOf::kLabel, escaping)) {
      return false;
    }
    for (const auto& names : entry.chunk->names()) {
      if (names.get() == last) continue;
      last = names.get();
      if (!std::ranges::all_of(*names, [&](const std::string& name) {
            return is_plain(name, NameOf::kLabel, escaping);
          })) {
        return false;
      }
    }
  }
  return true;
}

// Returns true if no name changes.
bool is_the_same(const reader::Family& family, Escaping escaping) {
  return is_plain(family.name + std::string(format::row_of(family.type).name_ending),
                  NameOf::kFamily, escaping) &&
         has_plain_labels(family, escaping);
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
                                        std::vector<std::string>* left_out) {
  if (escaping == Escaping::kAllowUtf8) return std::nullopt;
  if (std::ranges::all_of(families.families, [&](const reader::Family& family) {
        return is_the_same(family, escaping);
      })) {
    return std::nullopt;
  }
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
      if (part.series.empty() || (parts.size() == 1 && has_plain_labels(part, escaping))) continue;
      to.series.clear();
      for (const reader::Series& series : part.series) {
        const std::vector<reader::Label> labels = escaped_labels(series.labels, escaping);
        if (series_there.insert(reader::identity_of(labels)).second) {
          to.series.push_back(labels, series);
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

namespace {

void append_label(std::string& to, bool& is_first, std::string_view name, std::string_view value) {
  if (!is_first) to += ',';
  is_first = false;
  if (format::is_legacy_name(name, NameOf::kLabel)) {
    to += name;
  } else {
    append_quoted(to, name);
  }
  to += '=';
  append_quoted(to, value);
}

}  // namespace

void append_labels(std::string& to, const std::vector<reader::Label>& labels) {
  bool is_first = true;
  for (const reader::Label& label : labels) append_label(to, is_first, label.name, label.value);
}

void append_labels(std::string& to, const reader::Labels& labels) {
  bool is_first = true;
  labels.each([&](std::string_view name, std::string_view value) {
    append_label(to, is_first, name, value);
  });
}

}  // namespace metrics::exposition
