#include "libmetrics/format/utf8.h"

namespace metrics::format {

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0u) == 0x80u; };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned first = byte(i);
    const unsigned second = byte(i + 1);
    std::size_t length = 0;
    if (first < 0x80) {
      length = 1;
    } else if (first >= 0xc2 && first <= 0xdf && follows(i + 1)) {
      length = 2;
    } else if (first >= 0xe0 && first <= 0xef && follows(i + 1) && follows(i + 2)) {
      const bool overlong = first == 0xe0 && second < 0xa0;
      const bool surrogate = first == 0xed && second >= 0xa0;
      length = overlong || surrogate ? 0 : 3;
    } else if (first >= 0xf0 && first <= 0xf4 && follows(i + 1) && follows(i + 2) &&
               follows(i + 3)) {
      const bool overlong = first == 0xf0 && second < 0x90;
      const bool beyond = first == 0xf4 && second >= 0x90;
      length = overlong || beyond ? 0 : 4;
    }
    if (length == 0) {
      out += "\xef\xbf\xbd";
      ++i;
    } else {
      out.append(text.substr(i, length));
      i += length;
    }
  }
  return out;
}

std::vector<std::string> valid_utf8(std::span<const std::string_view> texts) {
  std::vector<std::string> result;
  result.reserve(texts.size());
  for (const std::string_view text : texts) result.push_back(valid_utf8(text));
  return result;
}

}  // namespace metrics::format
