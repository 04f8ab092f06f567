#include "aggregator/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libmetrics/format/printable.h"

namespace metrics::aggregator {
namespace {

// spdlog filters events, adds the time and writes the line. The text of the line is made here,
// since both formats quote values and spdlog does not.
LogFormat chosen = LogFormat::kLogfmt;

// Returns true if logfmt shows the value without quotes. Values that are not ASCII are quoted too,
// because quoting replaces bytes that are not UTF-8.
bool plain(std::string_view value) {
  return !value.empty() && std::none_of(value.begin(), value.end(), [](unsigned char c) {
    return c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\';
  });
}

std::string json_quoted(std::string_view value) {
  // JSON allows some characters as they are that a terminal obeys.
  return format::printable(
      nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

// Spells the level as the flags and Prometheus's own log do: "warn", where spdlog has "warning".
std::string_view level_name(spdlog::level::level_enum level) {
  return level == spdlog::level::warn ? "warn" : spdlog::level::to_string_view(level).data();
}

std::string line(spdlog::level::level_enum level, std::string_view message,
                 std::initializer_list<LogField> fields) {
  const bool json = chosen == LogFormat::kJson;
  std::string text(json ? "\"level\":" : "level=");
  text += json ? json_quoted(level_name(level)) : level_name(level);
  text += (json ? ",\"msg\":" : " msg=") + json_quoted(message);
  for (const auto& [name, value] : fields) {
    text += json ? "," + json_quoted(name) + ":" : " " + std::string(name) + "=";
    text += json || !plain(value) ? json_quoted(value) : value;
  }
  return text;
}

void write(spdlog::level::level_enum level, std::string_view message,
           std::initializer_list<LogField> fields) {
  if (spdlog::should_log(level)) spdlog::log(level, line(level, message, fields));
}

}  // namespace

void set_up_log(const std::string& level, LogFormat format) {
  chosen = format;
  auto logger = std::make_shared<spdlog::logger>("aggregator",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::debug);
  logger->set_pattern(format == LogFormat::kJson ? R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ",%v})"
                                                 : "ts=%Y-%m-%dT%H:%M:%S.%eZ %v",
                      spdlog::pattern_time_type::utc);
  spdlog::set_default_logger(std::move(logger));
}

void log_debug(std::string_view message, std::initializer_list<LogField> fields) {
  write(spdlog::level::debug, message, fields);
}
void log_info(std::string_view message, std::initializer_list<LogField> fields) {
  write(spdlog::level::info, message, fields);
}
void log_warn(std::string_view message, std::initializer_list<LogField> fields) {
  write(spdlog::level::warn, message, fields);
}
void log_error(std::string_view message, std::initializer_list<LogField> fields) {
  write(spdlog::level::err, message, fields);
}

}  // namespace metrics::aggregator
