// editions.h -- one family of all the definitions that its name has had.
//
// An edition is one definition of a name: programs are released anew, and a segment keeps what each
// release has counted, in the series of its own edition. Which one is the last does not go by a
// clock: FamilyRecord::opened numbers the processes as they start.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libmetrics/format/definition.h"
#include "libmetrics/format/records.h"

namespace metrics::format {

// Returns true if families of these types and names are served as one: the name is the same, and so
// is the type, or both count observations, since a summary is a histogram without bounds.
bool are_one(Type a, std::string_view name_of_a, Type b, std::string_view name_of_b) noexcept;

// Returns true if they can't both be served: they are not one, and share a sample name.
bool collide(Type a, std::string_view name_of_a, Type b, std::string_view name_of_b);

// Returns true if the record is of that definition, except for its help.
bool is_edition(const FamilyView& there, const Definition& definition) noexcept;

// Describe, for messages, everything that makes an edition.
std::string described(const FamilyView& family);
std::string described(const Definition& definition);

// A family as it is served: all the editions of one name that are one.
struct Group {
  std::vector<std::size_t> editions;       // indices into the families, ascending
  std::size_t last;                        // the one of them that was opened last
  std::optional<std::size_t> hidden_by{};  // the last edition of a group that collides with it
  // That of a group which is opened later, and which it collides with where names are escaped
  // (escaping.h) as underscores: servers that take names as they are see both.
  std::optional<std::size_t> yields_to{};
  // If the last edition has native buckets: those in which all of them are shown.
  std::optional<Native> native{};
  friend bool operator==(const Group&, const Group&) = default;
};

// Groups the families, which must be in the order of their records. Of groups that collide, the one
// whose last edition was opened last is served, and the others are hidden. The order of the groups
// is that of their first editions.
std::vector<Group> grouped(std::span<const FamilyView> families);

}  // namespace metrics::format
