// log.h -- the aggregator's log: one line per event, logfmt or JSON, on standard error.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace metrics::aggregator {

enum class LogFormat { kLogfmt, kJson };

// Chooses the format and the least level to log: debug, info, warn or error. Events below that
// level are dropped. Call it once, before other threads log.
void set_up_log(const std::string& level, LogFormat format);

using LogField = std::pair<std::string_view, std::string>;

// Log one event. Any thread may call them; lines of several threads never mix.
void log_debug(std::string_view message, std::initializer_list<LogField> fields = {});
void log_info(std::string_view message, std::initializer_list<LogField> fields = {});
void log_warn(std::string_view message, std::initializer_list<LogField> fields = {});
void log_error(std::string_view message, std::initializer_list<LogField> fields = {});

}  // namespace metrics::aggregator
