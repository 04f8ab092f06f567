// escaping.h -- names that are not legacy ones, and how servers that don't know such names see
// them.
//
// Any UTF-8 that is not empty is a name. Legacy names are those that all servers know:
// [a-zA-Z_:][a-zA-Z0-9_:]*, for labels without colons. A server says with `escaping` how it takes
// others (https://prometheus.io/docs/instrumenting/escaping_schemes); who says nothing sees
// underscores. So names that underscores make the same can't be told apart, and must not meet.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace metrics::format {

enum class Escaping { kUnderscores, kAllowUtf8, kDots, kValues };

enum class NameOf { kFamily, kLabel };

// Returns the spelling of `escaping` in requests and answers.
std::string_view to_string(Escaping escaping) noexcept;
// Returns which one a request means; an empty optional for others.
std::optional<Escaping> escaping_named(std::string_view name) noexcept;

// Returns true for a character that a legacy name may have; `first`: at its beginning.
constexpr bool is_legacy(char c, bool first, NameOf of) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         (c == ':' && of == NameOf::kFamily) || (c >= '0' && c <= '9' && !first);
}
// Returns true for a name that is the same in all of them, except for kDots.
bool is_legacy_name(std::string_view name, NameOf of) noexcept;

// Returns the name, which must be valid UTF-8, as the escaping has it. The result of all but
// kAllowUtf8 is a legacy name, unless the name is empty.
std::string escaped(std::string_view name, Escaping escaping, NameOf of);

}  // namespace metrics::format
