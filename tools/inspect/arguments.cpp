#include "tools/inspect/arguments.h"

#include <utility>

#include "aggregator/version.h"
#include "libmetrics/format/escaping.h"
#include "tools/inspect/top/view.h"

namespace metrics::inspect {
namespace {

// Bounds an interval between reads, in seconds.
const CLI::Range kInterval(0.05, 86400.0, "SECONDS");

}  // namespace

Arguments::Arguments()
    : app_("Shows what is in a metrics segment. Exit status: 0 fine, 1 fault, 2 usage.",
           "metrics-inspect"),
      escaping_(format::to_string(exposition::Options{}.escaping)) {
  app_.set_version_flag("--version", aggregator::version_text("metrics-inspect"));
  app_.add_option("--segment", path_,
                  "Path of the segment (ls, prune: or of a directory).\n"
                  "Default: $METRICS_SEGMENT, else /dev/shm/metrics-UID");
  app_.add_flag("--json", json_, "Print JSON");
  app_.require_subcommand(0, 1);  // a missing one is reported by main(): an unknown one is named
  app_.fallthrough();             // options may also follow the command
  app_.footer("--segment and --json may also follow the command. COMMAND --help has examples.");
  add_top();
  add_lists();
  add_get();
  add_diff();
  add_files();
  add_expose();
}

CLI::App* Arguments::add(const char* name, const char* help, const char* examples,
                         std::function<int()> body) {
  CLI::App* sub = app_.add_subcommand(name, help);
  sub->footer(std::string("Examples:\n") + examples);
  sub->callback([this, body = std::move(body)] { run_ = body; });
  return sub;
}

void Arguments::add_top() {
  CLI::App* top = add("top", "A live view of rates, quantiles, workers and space; ? shows its keys",
                      "  metrics-inspect top\n"
                      "  metrics-inspect top --page workers --sort rate\n"
                      "  metrics-inspect top --json --interval 10 --filter 'http_*' >>rates.jsonl",
                      [this] { return run_top(path_, top_, format()); });
  top->add_option("--interval", top_.interval, "Seconds between reads. Default: 1")
      ->check(kInterval);
  top->add_option("--count", top_.count, "End after that many intervals");
  top->add_option("--filter", top_.filter,
                  "Show the names that this pattern matches, or this\nregular expression behind ~");
  top->add_option("--sort", top_.sort, "name, value, rate, avg10, avg100, p50 or p99")
      ->check(CLI::IsMember(top::sort_names()));
  top->add_option("--page", top_.page, "series, workers or space")
      ->check(CLI::IsMember(top::page_names()));
}

void Arguments::add_lists() {
  add("ls", "Segments, their size and how full they are",
      "  metrics-inspect ls\n  metrics-inspect ls --segment /run/metrics/ --series",
      [this] { return ls(path_, series_ ? Counting::kSeries : Counting::kNothing, format()); })
      ->add_flag("--series", series_, "Count families and series, too, which reads each one");
  add("slots", "The owner of each slot, alive or dead, since when; what was counted there",
      "  metrics-inspect slots\n"
      "  metrics-inspect slots --json | jq '.[] | select(.state == \"live\").pid'",
      [this] { return slots(path_, format()); });
  add("dropped",
      "What was dropped or refused, why; which families are hidden, and which removed series are "
      "held back",
      "  metrics-inspect dropped", [this] { return dropped(path_, format()); });
  add("space", "Cells, bytes and series of each family, the largest first",
      "  metrics-inspect space", [this] { return space(path_, format()); });
  add("why", "Why NAME is missing: not registered, refused, hidden, or by whom it is counted",
      "  metrics-inspect why tasks_total\n"
      "  metrics-inspect why 'http_*'\n"
      "  metrics-inspect why 'tasks_total{type=\"image\"}'",
      [this] { return why(path_, name_, format()); })
      ->add_option("NAME", name_, "A family's or a sample's name, a pattern, and labels, as of get")
      ->required();
  add("dump", "Families, series and merged values",
      "  metrics-inspect dump\n  metrics-inspect dump --per-slot",
      [this] { return per_slot_ ? dump_per_slot(path_, format()) : dump(path_, format()); })
      ->add_flag("--per-slot", per_slot_, "Show each slot by itself");
  add("verify", "Checks every offset and count, and lists each fault",
      "  metrics-inspect verify --segment /run/metrics/shop",
      [this] { return verify(path_, format()); });
}

void Arguments::add_get() {
  CLI::App* get = add("get", "The samples of NAME or NAME{label=\"value\",...}",
                      "  metrics-inspect get 'tasks_total{type=\"image\"}'\n"
                      "  metrics-inspect get 'http_*{code=~\"5..\",path!=\"/health\"}'\n"
                      "  metrics-inspect get tasks_total --per-slot --rate\n"
                      "  metrics-inspect get '*_errors_total' --rate --watch --interval 5",
                      [this] { return inspect::get(path_, get_, format()); });
  get->add_option("NAME", get_.selector,
                  "A family's or a sample's name, or a pattern of it with *, ? and [...]; labels "
                  "are compared by =, !=, =~ and !~")
      ->required();
  get->add_flag("--per-slot", get_.per_slot, "Show what each slot contributes");
  get->add_flag("--rate", get_.rate, "Show what those that count gain in a second, from now on");
  get->add_flag("--watch", get_.watch, "Show them again after each interval");
  get->add_option("--interval", get_.interval, "Seconds of an interval. Default: 1")
      ->check(kInterval);
  get->add_option("--count", get_.count, "End --watch after that many intervals");
}

void Arguments::add_diff() {
  CLI::App* diff = add("diff", "What has changed in a segment, since a snapshot or from now on",
                       "  metrics-inspect diff                  # what changes in ten seconds\n"
                       "  metrics-inspect diff before           # since the snapshot before\n"
                       "  metrics-inspect diff before after\n"
                       "  metrics-inspect diff --filter 'http_*{code=~\"5..\"}' --interval 60",
                       [this] { return inspect::diff(path_, diff_, format()); });
  diff->add_option("BEFORE", diff_.before, "A snapshot. Default: the segment, now");
  diff->add_option("AFTER", diff_.after, "A later snapshot. Default: the segment");
  diff->add_option("--interval", diff_.interval,
                   "Without BEFORE, seconds until it is read again. Default: 10")
      ->check(kInterval);
  diff->add_option("--filter", diff_.filter, "Show the samples of this NAME alone, as get has it");
  diff->add_flag("--buckets", diff_.buckets, "Show the buckets of histograms, too");
}

void Arguments::add_files() {
  add("snapshot", "Copies the segment to FILE, for all of these commands",
      "  metrics-inspect snapshot /tmp/before\n"
      "  metrics-inspect --segment /tmp/before dump",
      [this] { return snapshot(path_, to_, format()); })
      ->add_option("FILE", to_, "Where to: a path like that of a segment")
      ->required();
  add("prune", "Segments that no process uses any more; removes them with --yes",
      "  metrics-inspect prune --segment /dev/shm\n"
      "  metrics-inspect prune --segment /dev/shm --yes",
      [this] { return prune(path_, yes_, format()); })
      ->add_flag("--yes", yes_, "Remove them");
}

void Arguments::add_expose() {
  CLI::App* expose =
      add("expose", "What a scrape would show",
          "  metrics-inspect expose\n"
          "  metrics-inspect expose --format openmetrics --created-lines",
          [this] {
            options_.escaping = *format::escaping_named(escaping_);
            if (json_) return dump(path_, Format::kJson);
            return inspect::expose(path_, *exposition::format_named(exposed_), options_,
                                   own_ ? Families::kOfSegmentAndAggregator : Families::kOfSegment);
          });
  expose->add_option("--format", exposed_, "text, openmetrics or protobuf. Default: " + exposed_)
      ->check(CLI::IsMember({"text", "openmetrics", "protobuf"}));
  expose
      ->add_option("--escaping", escaping_,
                   "Of names that are not legacy ones: underscores, allow-utf-8, dots or\n"
                   "values. Default: " +
                       escaping_)
      ->check(CLI::IsMember({"underscores", "allow-utf-8", "dots", "values"}));
  expose->add_flag("--created-lines", options_.created_lines,
                   "OpenMetrics with a sample x_created for each series that counts");
  expose->add_flag("--own-metrics", own_,
                   "Show what an aggregator with --web.disable-exporter-metrics\n"
                   "would: its metrics about the segment, too, and not those of\n"
                   "its own process");
}

}  // namespace metrics::inspect
