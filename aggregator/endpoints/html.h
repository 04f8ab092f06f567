// html.h -- tables as HTML, of texts that strangers have chosen.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace metrics::endpoints {

// Returns HTML that shows the text: no character of it has a meaning. Bytes that are not UTF-8
// become U+FFFD.
std::string html_of(std::string_view text);

// A row's cells are HTML already.
using HtmlRow = std::vector<std::string>;

// Returns a table with that caption, the first row as its heading. The caption is a text.
std::string html_table(std::string_view caption, const std::vector<HtmlRow>& rows);

// Returns the text as the value of a query's parameter.
std::string query_of(std::string_view text);

}  // namespace metrics::endpoints
