/* stranger.c NAME -- adds 1 in this process and 2 in a child, under the label value NAME. */
#include <metrics/metrics.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char** argv) {
  static const char* const labels[] = {"who"};
  const char* const values[] = {argc > 1 ? argv[1] : ""};
  metrics_family* family = NULL;
  metrics_counter* counter = NULL;
  pid_t child;
  int status = 1;

  if (metrics_family_of(NULL, METRICS_COUNTER, "stranger_calls", "Calls.", labels, 1, NULL,
                        &family) != METRICS_OK ||
      metrics_counter_labels(family, values, 1, &counter) != METRICS_OK) {
    fprintf(stderr, "%s\n", metrics_last_error());
    return 1;
  }
  metrics_counter_inc(counter, 1);
  child = fork();
  if (child == 0) {
    metrics_counter_inc(counter, 2);
    _exit(metrics_segment_status(metrics_default()) == METRICS_OK ? 0 : 1);
  }
  if (waitpid(child, &status, 0) != child) return 1;
  return status;
}
