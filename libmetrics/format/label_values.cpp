#include "libmetrics/format/label_values.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "libmetrics/format/layout.h"
#include "libmetrics/format/utf8.h"

namespace metrics::format {
namespace {

constexpr std::string_view kMark = "\xe2\x80\xa6";  // U+2026, a horizontal ellipsis

}  // namespace

LabelValue label_value(std::string_view given) {
  LabelValue value{{}, false};
  std::string& text = value.text;
  text.reserve(std::min<std::size_t>(given.size(), kMaxStringBytes));
  std::size_t end = 0;  // of the last character that leaves room for the mark
  while (!given.empty()) {
    move_character(given, text);
    if (text.size() <= kMaxStringBytes - kMark.size()) end = text.size();
    if (text.size() > kMaxStringBytes) {
      text.resize(end);
      text += kMark;
      value.cut = true;
      break;
    }
  }
  return value;
}

bool is_label_value(std::string_view given) noexcept {
  return given.size() <= kMaxStringBytes && is_valid_utf8(given);
}

LabelValues label_values(std::span<const std::string_view> given) {
  LabelValues values;
  values.texts.reserve(given.size());
  for (const std::string_view text : given) {
    LabelValue value = label_value(text);
    values.texts.push_back(std::move(value.text));
    values.cut = values.cut || value.cut;
  }
  return values;
}

}  // namespace metrics::format
