// worker.cpp -- a worker that does what it is told: a JSON object a line on standard input,
// answered by one on standard output once it is done. So a test knows what has happened, and never
// waits for time to pass.
//
// METRICS_SEGMENT and the other variables say where it counts. Children of `fork` take their
// commands from a socket of their own.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <future>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "metrics/metrics.h"
#include "metrics/metrics.hpp"
#include "tests/support/options.h"

namespace {

using Json = nlohmann::json;

std::vector<metrics::Counter> counters;
std::vector<metrics::Gauge> gauges;
std::vector<metrics::Histogram> histograms;
std::vector<metrics_stateset*> statesets;
std::map<std::string, metrics_family*> families;
std::string pending;  // read, but not yet a whole line

std::optional<std::string> read_line() {
  for (;;) {
    if (const std::size_t end = pending.find('\n'); end != std::string::npos) {
      std::string line = pending.substr(0, end);
      pending.erase(0, end + 1);
      return line;
    }
    char buffer[64 * 1024];
    const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    pending.append(buffer, static_cast<std::size_t>(got));
  }
}

void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(STDOUT_FILENO, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) ::_exit(0);  // nobody listens any more
    text.remove_prefix(static_cast<std::size_t>(put));
  }
}

void answer(const Json& json) { write_all(json.dump() + '\n'); }

Json told(metrics_status status) {
  return {{"status", metrics_status_name(status)},
          {"error", status == METRICS_OK ? "" : metrics_last_error()}};
}

// A number, or a text such as "NaN" for what JSON can't hold.
double real(const Json& json) {
  return json.is_string() ? std::strtod(json.get<std::string>().c_str(), nullptr)
                          : json.get<double>();
}

std::vector<double> reals(const Json& json) {
  std::vector<double> values;
  for (const Json& value : json) values.push_back(real(value));
  return values;
}

struct Texts {
  explicit Texts(const Json& json) : strings(json.get<std::vector<std::string>>()) {
    for (const std::string& s : strings) pointers.push_back(s.c_str());
  }
  std::vector<std::string> strings;
  std::vector<const char*> pointers;
};

metrics_mode mode_of(const std::string& name) {
  constexpr std::array<const char*, 10> kNames = {"all",        "liveall",       "sum", "livesum",
                                                  "min",        "livemin",       "max", "livemax",
                                                  "mostrecent", "livemostrecent"};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) return static_cast<metrics_mode>(i);
  }
  throw std::runtime_error("no mode " + name);
}

// Makes family and series; the answer holds the number by which the series is called from then on.
Json make(const Json& c) {
  const std::string kind = c.at("do");
  const std::string name = c.at("name");
  const std::string help = c.value("help", "Help of " + name);
  const std::string unit = c.value("unit", "");
  const Texts labels(c.value("labels", Json::array()));
  const Texts values(c.value("values", Json::array()));
  const auto* names = labels.pointers.data();
  const std::size_t count = labels.pointers.size();
  metrics_family*& family = families[name];
  metrics::test::Options options;
  options.unit(unit.c_str());
  const std::vector<double> bounds = reals(c.value("bounds", Json::array()));
  metrics_native native{};
  const Texts states(c.value("states", Json::array()));
  metrics_type type = METRICS_COUNTER;
  if (kind == "gauge") {
    type = METRICS_GAUGE;
    options.mode(mode_of(c.value("mode", "all")));
  } else if (kind == "histogram") {
    type = METRICS_HISTOGRAM;
    if (!bounds.empty()) options.bounds(bounds);
    if (c.contains("native")) {
      native.size = sizeof native;
      native.factor = c["native"].value("factor", 0.0);
      native.min = c["native"].value("min", 0.0);
      native.max = c["native"].value("max", 0.0);
      native.negative = c["native"].value("negative", false) ? 1 : 0;
      options.native(native);
    }
  } else if (kind == "summary") {
    type = METRICS_SUMMARY;
  } else if (kind == "stateset") {
    type = METRICS_STATESET;
    const metrics_mode mode = mode_of(c.value("mode", "livemostrecent"));
    options.mode(mode == METRICS_ALL ? METRICS_STATESET_ALL : mode).states(states.pointers);
  }
  metrics_status status = metrics_family_of(nullptr, type, name.c_str(), help.c_str(), names, count,
                                            options.get(), &family);
  Json result = told(status);
  if (family == nullptr) return result;
  const auto* given = values.pointers.data();
  if (kind == "counter") {
    metrics_counter* counter = nullptr;
    status = metrics_counter_labels(family, given, values.pointers.size(), &counter);
    counters.emplace_back(counter);
    result["id"] = counters.size() - 1;
  } else if (kind == "gauge") {
    metrics_gauge* gauge = nullptr;
    status = metrics_gauge_labels(family, given, values.pointers.size(), &gauge);
    gauges.emplace_back(gauge);
    result["id"] = gauges.size() - 1;
  } else if (kind == "stateset") {
    metrics_stateset* set = nullptr;
    status = metrics_stateset_labels(family, given, values.pointers.size(), &set);
    statesets.push_back(set);
    result["id"] = statesets.size() - 1;
  } else {
    metrics_histogram* histogram = nullptr;
    status = metrics_histogram_labels(family, given, values.pointers.size(), &histogram);
    histograms.emplace_back(histogram);
    result["id"] = histograms.size() - 1;
  }
  if (status != METRICS_OK) result.update(told(status));
  return result;
}

Json info(const Json& c) {
  metrics_family* family = nullptr;
  const std::string name = c.at("name");
  const metrics_status status =
      metrics_family_of(nullptr, METRICS_INFO, name.c_str(), c.value("help", "").c_str(), nullptr,
                        0, nullptr, &family);
  if (status != METRICS_OK) return told(status);
  const Texts names(c.at("labels"));
  const Texts values(c.at("values"));
  return told(metrics_info_state(family, names.pointers.data(), values.pointers.data(),
                                 names.pointers.size()));
}

// `count` series of a counter with a label value of `bytes` bytes each: a large exposition, soon
// made.
Json many(const Json& c) {
  const std::string name = c.at("name");
  const metrics::Family<metrics::Counter> family{name, "Many series.", {"filler"}};
  for (std::size_t i = 0; i < c.at("count"); ++i) {
    std::string value = std::to_string(i);
    value.resize(c.at("bytes").get<std::size_t>(), '.');
    family.labels(value).inc(i);
  }
  return Json::object();
}

Json run(const Json& command);

// The commands in a thread of their own, which stays until the process ends.
Json thread(const Json& c) {
  std::promise<Json> done;
  std::thread([&done, commands = c.at("run")] {
    Json results = Json::array();
    for (const Json& command : commands) results.push_back(run(command));
    done.set_value(std::move(results));
    for (;;) ::pause();
  }).detach();
  return {{"results", done.get_future().get()}};
}

// The child calls at the socket, tells its pid, and is a worker like its parent.
Json fork_worker(const Json& c) {
  const std::string path = c.at("socket");
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
  if (child > 0) return {{"pid", child}};
  pending.clear();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) ::_exit(1);
  ::dup2(fd, STDIN_FILENO);
  ::dup2(fd, STDOUT_FILENO);
  ::close(fd);
  return {{"pid", ::getpid()}};
}

// `count` children that have each counted 1 in the counter, and live as long as this process.
Json crowd(const Json& c) {
  metrics::Counter counter = counters.at(c.at("id"));
  std::array<int, 2> done{};
  if (::pipe(done.data()) != 0) throw std::runtime_error(std::strerror(errno));
  const auto count = c.at("count").get<std::size_t>();
  for (std::size_t i = 0; i < count; ++i) {
    const pid_t child = ::fork();
    if (child < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
    if (child > 0) continue;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    counter.inc();
    if (::write(done[1], ".", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  ::close(done[1]);
  char byte = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (::read(done[0], &byte, 1) != 1) throw std::runtime_error("a child has ended");
  }
  ::close(done[0]);
  return Json::object();
}

// Updates until somebody kills it, and writes one '.' after each update.
[[noreturn]] void spin(const Json& c) {
  const bool observes = c.contains("histogram");
  metrics::Counter counter = observes ? metrics::Counter() : counters.at(c.at("counter"));
  metrics::Histogram histogram = observes ? histograms.at(c.at("histogram")) : metrics::Histogram();
  const double value = observes ? real(c.at("value")) : 0;
  for (;;) {
    if (observes) {
      histogram.observe(value);
    } else {
      counter.inc();
    }
    write_all(".");
  }
}

// An observation, or an addition, with an exemplar that has one label.
Json trace(const Json& c) {
  const std::string trace_id = c.at("trace_id");
  if (c.contains("histogram")) {
    histograms.at(c.at("histogram")).observe(real(c.at("value")), {{"trace_id", trace_id}});
  } else {
    counters.at(c.at("counter")).inc(real(c.at("value")), {{"trace_id", trace_id}});
  }
  return Json::object();
}

Json run(const Json& c) {
  const std::string what = c.at("do");
  if (what == "counter" || what == "gauge" || what == "histogram" || what == "summary" ||
      what == "stateset") {
    return make(c);
  }
  if (what == "info") return info(c);
  if (what == "many") return many(c);
  if (what == "trace") return trace(c);
  if (what == "crowd") return crowd(c);
  if (what == "inc") {
    counters.at(c.at("id")).inc(c.value("n", std::uint64_t{1}));
  } else if (what == "add") {
    counters.at(c.at("id")).inc(real(c.at("amount")));
  } else if (what == "set") {
    gauges.at(c.at("id")).set(real(c.at("value")));
  } else if (what == "state") {
    metrics_stateset_set(statesets.at(c.at("id")), c.at("state"));
  } else if (what == "observe") {
    for (const double value : reals(c.at("values"))) histograms.at(c.at("id")).observe(value);
  } else if (what == "remove") {
    const Texts values(c.at("values"));
    return told(
        metrics_remove(families.at(c.at("name")), values.pointers.data(), values.pointers.size()));
  } else if (what == "status") {
    return told(metrics_segment_status(metrics_default()));
  } else if (what == "thread") {
    return thread(c);
  } else if (what == "fork") {
    return fork_worker(c);
  } else if (what == "wait") {
    int status = 0;
    if (::waitpid(c.at("pid"), &status, 0) < 0) throw std::runtime_error(std::strerror(errno));
    return {{"wait_status", status}};
  } else if (what == "spin") {
    spin(c);
  } else {
    throw std::runtime_error("no such command: " + what);
  }
  return Json::object();
}

}  // namespace

int main() {
  while (const auto line = read_line()) {
    try {
      answer(run(Json::parse(*line)));
    } catch (const std::exception& e) {
      answer({{"failed", e.what()}});
    }
  }
  return 0;
}
