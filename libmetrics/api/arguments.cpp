// arguments.cpp -- strings that C programs pass, checked.
#include "libmetrics/api/arguments.h"

#include <string>

namespace metrics::api {

const format::Definition& definition_of(const setup::Family* family) {
  if (family != nullptr) return family->definition;
  format::refuse("the family is NULL: it was refused");
}

std::string_view text_of(const char* const* strings, std::size_t i) {
  if (strings != nullptr && strings[i] != nullptr) return strings[i];
  format::refuse("label string " + std::to_string(i) + " is NULL; write \"\"");
}

std::vector<std::string_view> views(const char* const* strings, std::size_t count) {
  std::vector<std::string_view> result;
  if (count > std::size_t{2} * format::kMaxLabels) format::refuse("too many labels");
  for (std::size_t i = 0; i < count; ++i) result.push_back(text_of(strings, i));
  return result;
}

}  // namespace metrics::api
