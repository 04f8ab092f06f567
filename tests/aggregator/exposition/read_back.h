// read_back.h -- reads expositions as Prometheus does: to names, labels and values, whatever the
// format. So what the formats say can be compared.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace metrics::test {

// By `name{label="value",...}` with sorted labels, without empty ones, not escaped: the value as a
// double, spelled. Text 0.0.4 and OpenMetrics have numbers that doubles round.
using ReadBack = std::map<std::string, std::string>;

// Throw std::runtime_error for what is not in the format, or twice.
ReadBack read_text(std::string_view text);
ReadBack read_openmetrics(std::string_view text);
ReadBack read_protobuf(std::string_view bytes);

}  // namespace metrics::test
