// stranger.cpp NAME -- adds 1 in this process and 2 in a child, under the label value NAME, and
// uses the rest of the API.
#include <sys/wait.h>
#include <unistd.h>

#include <metrics/metrics.hpp>

int main(int argc, char** argv) {
  const metrics::Family<metrics::Counter> calls{"stranger_calls_total", "Calls.", {"who"}};
  metrics::Counter counter = calls.labels(argc > 1 ? argv[1] : "");
  const metrics::Family<metrics::Gauge> running{
      "stranger_running", "Calls now.", {}, {.mode = metrics::Mode::kLiveSum}};
  const metrics::Family<metrics::Histogram> seconds{"stranger_seconds", "Time taken.", {"who"}};
  const metrics::Family<metrics::Summary> sizes{"stranger_size_bytes", "Sizes."};
  metrics::info("stranger", "What this is.", {{"language", "C++"}});

  const metrics::InProgress guard = running.labels().track_inprogress();
  const metrics::Timer timer = seconds.labels(metrics::LabelValues{"me"}).time();
  sizes.labels().observe(17);
  counter.inc();
  const pid_t child = ::fork();
  if (child == 0) {
    counter.inc(2);
    ::_exit(metrics::Segment().status() == METRICS_OK ? 0 : 1);
  }
  int status = 1;
  return ::waitpid(child, &status, 0) == child ? status : 1;
}
