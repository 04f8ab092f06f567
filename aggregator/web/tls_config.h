// tls_config.h -- tls_server_config of a web configuration, from YAML to plain data.
#pragma once

#include <optional>
#include <string>

#include "aggregator/web/config.h"
#include "aggregator/web/yaml_reader.h"

namespace metrics::web {

// Relative paths are relative to `folder`, which is empty or ends with a slash. Returns an empty
// optional if there is no field. Refuses, by `read`, what can't be meant.
std::optional<TlsConfig> read_tls(const YamlReader& read, const YAML::Node& node,
                                  const std::string& folder);

}  // namespace metrics::web
