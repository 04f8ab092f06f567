// print_reference.cpp -- prints METRICS.md, the reference of bamboo-engine's families, from the
// catalogue.
//
//   bamboo_reference > libmetrics/bamboo/METRICS.md
#include <charconv>
#include <cstdio>
#include <string>

#include "metrics/bamboo.hpp"

namespace {

using namespace metrics::bamboo;

const char* to_string(Kind kind) {
  switch (kind) {
    case Kind::kCounter:
      return "counter";
    case Kind::kGauge:
      return "gauge";
    case Kind::kHistogram:
      return "histogram";
  }
  return "";
}

const char* to_string(Labels labels) {
  switch (labels) {
    case Labels::kHost:
      return "hostname";
    case Labels::kTypeAndHost:
      return "type (node's), hostname";
    case Labels::kCodeAndHost:
      return "type (code), hostname";
  }
  return "";
}

struct Section {
  Recorder recorder;
  const char* title;
  const char* api;
};
constexpr Section kSections[] = {
    {Recorder::kProcessRun, "A process run", "`Engine::process_run()`, until its scope is left."},
    {Recorder::kScheduleRun, "A schedule run",
     "`Engine::schedule_run()`, until its scope is left."},
    {Recorder::kExecute, "A node's execute",
     "`Node::execute()`, step by step. Each step that was begun is observed once, however it is "
     "left."},
    {Recorder::kSchedule, "A node's schedule",
     "`Node::schedule()`, step by step. Each step that was begun is observed once, however it is "
     "left."},
    {Recorder::kRuntime, "Reads and writes of the runtime",
     "`Engine::runtime<Metric>()`, until its scope is left."},
    {Recorder::kClaim, "Claims of messages",
     "`Engine::execute_claimed(sent)`, `Engine::schedule_claimed(sent)`. A negative delay is "
     "observed as 0."},
};

std::string bounds() {
  std::string text;
  for (const double bound : kDefaultBounds) {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, bound).ptr;
    text.append(text.empty() ? "" : ",").append(digits, end);
  }
  return text;
}

void print_introduction() {
  std::printf(
      "# bamboo-engine's metrics\n\n"
      "Printed by `bamboo_reference` from `metrics/bamboo/catalogue.hpp`; a test compares. %zu "
      "families, with the names, "
      "HELP and labels\nthat bamboo-engine declares. Times are seconds.\n\n"
      "Every histogram has the bounds that `$%s` lists, with commas between them, else\n`%s`.\n"
      "A list that can't be used is logged, and the default applies. Where workers have different "
      "lists, the\nbounds of the one that has started last are shown.\n\n"
      "`hostname` is filled in. `type` is, as in bamboo-engine, one of two things: the node's type "
      "(`ServiceActivity`), or the "
      "code of what runs\nthere (`sleep_timer_legacy`, a component and its version; for other "
      "nodes "
      "their type, `exclusive_gateway`).\n"
      "Gauges are the sum over the processes that live (`livesum`).\n",
      kMetricCount, kBoundsVariable, bounds().c_str());
}

void print_section(const Section& section) {
  std::printf("\n## %s\n\n%s\n\n| family | type | labels | measures |\n| --- | --- | --- | --- |\n",
              section.title, section.api);
  for (const Row& row : kCatalogue) {
    if (row.recorder != section.recorder) continue;
    std::printf("| `%s` | %s | %s | %s |\n", row.name, to_string(row.kind), to_string(row.labels),
                row.measures);
  }
}

// Prints the lines as the text format 0.0.4 has them, where a counter's name ends with `_total`.
void print_exposition() {
  std::printf("\n## HELP and TYPE\n\n```\n");
  for (const Row& row : kCatalogue) {
    const char* const ending = row.kind == Kind::kCounter ? "_total" : "";
    std::printf("# HELP %s%s %s\n# TYPE %s%s %s\n", row.name, ending, row.help, row.name, ending,
                to_string(row.kind));
  }
  std::printf("```\n");
}

}  // namespace

int main() {
  print_introduction();
  for (const Section& section : kSections) print_section(section);
  print_exposition();
  return std::fflush(stdout) == 0 ? 0 : 1;
}
