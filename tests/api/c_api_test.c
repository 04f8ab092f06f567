/* Checks that the C header is C11 and that each of its functions can be called. Other tests check
 * the values. */
#define _GNU_SOURCE /* mkdtemp, setenv */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "metrics/hot.h"
#include "metrics/metrics.h"

#define OPTIONS(...) \
  (&(metrics_family_options){.size = sizeof(metrics_family_options), __VA_ARGS__})

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      fprintf(stderr, "last error: %s\n", metrics_last_error());      \
      exit(1);                                                        \
    }                                                                 \
  } while (0)

static unsigned logged = 0;

static void count_log(metrics_status status, const char* text, void* context) {
  CHECK(status == METRICS_CONFLICT);
  CHECK(strstr(text, "conflicts") != NULL);
  CHECK(context == &logged);
  ++logged;
}

static char directory[] = "/dev/shm/metrics-test-XXXXXX";
static char path[sizeof directory + 16];
static char file[sizeof path + 8];

static void clean_up(void) {
  unlink(file);
  rmdir(directory);
}

int main(void) {
  CHECK(mkdtemp(directory) != NULL);
  snprintf(path, sizeof path, "%s/segment", directory);
  snprintf(file, sizeof file, "%s.v2", path);
  atexit(&clean_up);
  setenv("METRICS_SEGMENT", path, 1);

  CHECK(strcmp(metrics_status_name(METRICS_NO_SPACE), "no space") == 0);
  CHECK(strcmp(metrics_last_error(), "") == 0);
  CHECK(strcmp(metrics_version(), "0.1.0") == 0);
  metrics_set_log(&count_log, &logged);

  const metrics_geometry geometry = {sizeof geometry, 8, 8, 4096, 65536};
  metrics_segment* segment = NULL;
  CHECK(metrics_open(path, &geometry, &segment) == METRICS_OK);
  CHECK(metrics_default() == segment);
  CHECK(strcmp(metrics_segment_path(segment), file) == 0);
  CHECK(metrics_segment_status(segment) == METRICS_OK);
  CHECK(metrics_segment_status(NULL) == METRICS_INVALID);
  CHECK(strcmp(metrics_segment_path(NULL), "") == 0);

  double bounds[4];
  CHECK(metrics_linear_bounds(1, 0.5, 4, bounds) == METRICS_OK);
  CHECK(bounds[0] == 1 && bounds[1] == 1.5 && bounds[2] == 2 && bounds[3] == 2.5);
  CHECK(metrics_linear_bounds(1, 0, 4, bounds) == METRICS_INVALID);
  CHECK(metrics_exponential_bounds(1, 10, 4, bounds) == METRICS_OK);
  CHECK(bounds[0] == 1 && bounds[1] == 10 && bounds[2] == 100 && bounds[3] == 1000);
  CHECK(metrics_exponential_bounds(0, 10, 4, bounds) == METRICS_INVALID);
  CHECK(metrics_exponential_bounds(1, 1e200, 4, bounds) == METRICS_INVALID);
  CHECK(metrics_exponential_bounds(1, 10, 4, bounds) == METRICS_OK);

  const char* const labels[] = {"name"};
  const char* const values[] = {"value"};
  metrics_family* family = NULL;
  metrics_counter* counter = NULL;
  CHECK(metrics_family_of(NULL, METRICS_COUNTER, "tasks_total", "Help.", labels, 1, NULL,
                          &family) == METRICS_OK);
  CHECK(metrics_counter_labels(family, values, 1, &counter) == METRICS_OK);
  metrics_counter_inc(counter, 2);
  metrics_counter_add(counter, 0.5);
  metrics_counter* same = NULL;
  CHECK(metrics_counter_labels(family, values, 1, &same) == METRICS_OK);
  CHECK(same == counter);
  double value = 0;
  CHECK(metrics_counter_value(counter, &value) == METRICS_OK && value == 2.5);
  CHECK(metrics_family_status(family) == METRICS_OK);
  const char* ordered[1] = {NULL};
  CHECK(metrics_order_labels(family, labels, values, 1, ordered) == METRICS_OK);
  CHECK(ordered[0] == values[0]);
  uint64_t live = 1;
  const uint64_t* state = metrics_series_state(family, values, 1, &live);
  CHECK(state != NULL && *state == live);

  metrics_gauge* gauge = NULL;
  CHECK(metrics_family_of(segment, METRICS_GAUGE, "load", NULL, NULL, 0,
                          OPTIONS(.mode = METRICS_LIVEMOSTRECENT), &family) == METRICS_OK);
  CHECK(metrics_gauge_labels(family, NULL, 0, &gauge) == METRICS_OK);
  metrics_gauge_set(gauge, 1.5);
  metrics_gauge_add(gauge, -1);
  CHECK(metrics_gauge_value(gauge, &value) == METRICS_OK && value == 0.5);
  metrics_gauge_set_to_current_time(gauge);
  CHECK(metrics_family_of(segment, METRICS_GAUGE, "load2", NULL, NULL, 0,
                          OPTIONS(.mode = (metrics_mode)11), &family) == METRICS_INVALID);
  CHECK(family == NULL);

  metrics_histogram* histogram = NULL;
  CHECK(metrics_family_of(segment, METRICS_HISTOGRAM, "times", NULL, labels, 1,
                          OPTIONS(.unit = "seconds", .bounds = bounds, .bound_count = 4),
                          &family) == METRICS_OK);
  CHECK(metrics_histogram_labels(family, values, 1, &histogram) == METRICS_OK);
  const metrics_native native = {.size = sizeof native, .factor = 1.5, .max = 64};
  metrics_histogram* by_rule = NULL;
  CHECK(metrics_family_of(segment, METRICS_HISTOGRAM, "native", NULL, NULL, 0,
                          OPTIONS(.native = &native), &family) == METRICS_OK);
  CHECK(metrics_histogram_labels(family, NULL, 0, &by_rule) == METRICS_OK);
  metrics_histogram_observe(by_rule, 3);
  const double start = metrics_now();
  metrics_histogram_observe(histogram, metrics_now() - start);
  CHECK(metrics_family_of(segment, METRICS_SUMMARY, "sizes", NULL, NULL, 0,
                          OPTIONS(.unit = "bytes"), &family) == METRICS_OK);
  CHECK(metrics_histogram_labels(family, NULL, 0, &histogram) == METRICS_OK);
  metrics_histogram_observe(histogram, 3);
  uint64_t count = 0;
  CHECK(metrics_histogram_value(histogram, &count, &value) == METRICS_OK);
  CHECK(count == 1 && value == 3);

  const char* const states[] = {"idle", "busy"};
  metrics_stateset* set = NULL;
  CHECK(metrics_family_of(segment, METRICS_STATESET, "phase", NULL, labels, 1,
                          OPTIONS(.states = states, .state_count = 2), &family) == METRICS_OK);
  CHECK(metrics_stateset_labels(family, values, 1, &set) == METRICS_OK);
  size_t which = 0;
  CHECK(metrics_stateset_value(set, &which) == METRICS_OK && which == METRICS_NO_STATE);
  CHECK(metrics_stateset_index(family, "busy") == 1);
  CHECK(metrics_stateset_index(family, "gone") == METRICS_NO_STATE);
  CHECK(metrics_stateset_index(NULL, "busy") == METRICS_NO_STATE);
  metrics_stateset_set(set, metrics_stateset_index(family, "busy"));
  metrics_stateset_set(set, metrics_stateset_index(family, "gone"));
  CHECK(metrics_stateset_value(set, &which) == METRICS_OK && which == 1);
  metrics_stateset_set(NULL, 0);
  CHECK(metrics_gauge_labels(family, values, 1, &gauge) == METRICS_INVALID);
  CHECK(strcmp(metrics_last_error(), "\"phase\" is a stateset, no other type") == 0);
  CHECK(metrics_family_of(segment, METRICS_STATESET, "phases", NULL, NULL, 0,
                          OPTIONS(.states = states, .state_count = 257),
                          &family) == METRICS_INVALID);
  CHECK(metrics_family_of(segment, METRICS_STATESET, "phases", NULL, NULL, 0,
                          OPTIONS(.state_count = 2), &family) == METRICS_INVALID);
  CHECK(metrics_family_of(segment, METRICS_STATESET, "phases", NULL, NULL, 0,
                          OPTIONS(.states = states, .state_count = 2, .mode = METRICS_STATESET_ALL),
                          &family) == METRICS_OK);

  CHECK(metrics_family_of(segment, METRICS_INFO, "build", NULL, NULL, 0, NULL, &family) ==
        METRICS_OK);
  CHECK(metrics_info_state(family, labels, values, 1) == METRICS_OK);
  const char* const fact[] = {"name", "value"};
  CHECK(metrics_remove(family, fact, 2) == METRICS_OK);
  CHECK(metrics_clear(family) == METRICS_OK);

  CHECK(metrics_family_of(segment, METRICS_COUNTER, "load", NULL, NULL, 0, NULL, &family) ==
        METRICS_CONFLICT);
  CHECK(family != NULL && logged == 1);
  CHECK(metrics_counter_labels(family, NULL, 0, &counter) == METRICS_CONFLICT);
  CHECK(counter != NULL);
  metrics_counter_inc(counter, 1);

  CHECK(metrics_family_of(segment, METRICS_COUNTER, "", NULL, NULL, 0, NULL, &family) ==
        METRICS_INVALID);
  CHECK(family == NULL && strstr(metrics_last_error(), "write one") != NULL);
  CHECK(metrics_counter_labels(family, NULL, 0, &counter) == METRICS_INVALID);
  CHECK(counter == NULL);
  metrics_counter_inc(counter, 1);

  /* However long a label value is, it leads to a series. */
  metrics_set_log(NULL, NULL);
  static char longer[20001];
  memset(longer, 'x', sizeof longer - 1);
  const char* const long_values[] = {longer};
  CHECK(metrics_family_of(segment, METRICS_COUNTER, "paths", NULL, labels, 1, NULL, &family) ==
        METRICS_OK);
  CHECK(metrics_counter_labels(family, long_values, 1, &counter) == METRICS_OK);
  metrics_counter_inc(counter, 2);
  state = metrics_series_state(family, long_values, 1, &live);
  CHECK(state != NULL && *state == live);
  longer[19999] = 'y';
  CHECK(metrics_counter_labels(family, long_values, 1, &same) == METRICS_OK && same == counter);
  CHECK(metrics_counter_value(same, &value) == METRICS_OK && value == 2);
  CHECK(metrics_remove(family, long_values, 1) == METRICS_OK && *state != live);

  /* Beyond a limit, a counter counts in one series more, and a gauge nothing. */
  const char* const others[] = {"other"};
  CHECK(metrics_family_of(segment, METRICS_COUNTER, "limited", NULL, labels, 1,
                          OPTIONS(.max_series = 1), &family) == METRICS_OK);
  CHECK(metrics_counter_labels(family, values, 1, &counter) == METRICS_OK);
  CHECK(metrics_counter_labels(family, long_values, 1, &counter) == METRICS_OK);
  CHECK(metrics_counter_labels(family, others, 1, &same) == METRICS_OK && same == counter);
  metrics_counter_inc(counter, 3);
  CHECK(metrics_counter_value(same, &value) == METRICS_OK && value == 3);
  CHECK(metrics_series_state(family, others, 1, &live) == NULL);
  CHECK(metrics_remove(family, values, 1) == METRICS_OK);
  CHECK(metrics_counter_labels(family, others, 1, &same) == METRICS_OK && same != counter);
  CHECK(metrics_family_of(segment, METRICS_GAUGE, "limited2", NULL, labels, 1,
                          OPTIONS(.mode = METRICS_SUM, .max_series = 1), &family) == METRICS_OK);
  CHECK(metrics_gauge_labels(family, values, 1, &gauge) == METRICS_OK);
  CHECK(metrics_gauge_labels(family, others, 1, &gauge) == METRICS_FULL && gauge != NULL);
  CHECK(strstr(metrics_last_error(), "as many series as it may have, 1 (max_series)") != NULL);
  metrics_gauge_set(gauge, 1);
  CHECK(metrics_family_of(segment, METRICS_GAUGE, "limited3", NULL, labels, 1,
                          OPTIONS(.max_series = (size_t)1 << 32), &family) == METRICS_INVALID);

  CHECK(metrics_hot_cells(0) != NULL); /* this thread already has a slot */
  CHECK(metrics_hot_cells(METRICS_NOWHERE) == NULL);
  return 0;
}
