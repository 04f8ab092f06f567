#include "aggregator/endpoints/html.h"

#include <array>
#include <cstddef>

#include "libmetrics/format/utf8.h"

namespace metrics::endpoints {

std::string html_of(std::string_view text) {
  std::string html;
  for (const char c : format::valid_utf8(text)) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      case '\'':
        html += "&#39;";
        break;
      default:
        // Control characters are not allowed in HTML.
        const auto byte = static_cast<unsigned char>(c);
        html += (byte < 0x20 && c != '\t' && c != '\n') || byte == 0x7f ? '?' : c;
    }
  }
  return html;
}

std::string html_table(std::string_view caption, const std::vector<HtmlRow>& rows) {
  std::string html = "<table><caption>" + html_of(caption) + "</caption>\n";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    html += i == 0 ? "<thead><tr>" : "<tr>";
    for (const std::string& cell : rows[i]) {
      html += (i == 0 ? "<th scope=\"col\">" : "<td>") + cell + (i == 0 ? "</th>" : "</td>");
    }
    html += i == 0 ? "</tr></thead><tbody>\n" : "</tr>\n";
  }
  return html + "</tbody></table>\n";
}

std::string query_of(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string query;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '-' || c == '.';
    if (plain) {
      query += c;
    } else {
      query.append(1, '%').append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
    }
  }
  return query;
}

}  // namespace metrics::endpoints
