/* metrics.h -- counters, gauges and histograms of many processes, in one shared segment.
 *
 * Conventions:
 * (1) Metrics never break the program that they measure. Every update accepts NULL and does nothing
 *     then; none allocates, throws or raises a signal, and none blocks, except that a thread's
 *     first one may wait for a mutex, 10 ms at most. A worker that can't be counted runs on, and
 *     metrics_segment_status() returns the reason.
 * (2) Strings are UTF-8, zero-terminated, copied. Durations are seconds, as double. Times are
 *     seconds since the Unix epoch, as double.
 * (3) What a function hands out (segment, family, counter, ...) is owned by the library, is the
 *     same for the same arguments, and stays valid until the process ends. After fork() it is valid
 *     in both processes.
 * (4) Every function may be called by any thread at any time, in a forked child too. Updates may be
 *     called in signal handlers; an update that interrupts another one of the same series loses
 *     nothing for integers (metrics_counter_inc) on x86-64, else at most one of the two.
 * (5) A function that returns metrics_status and fails leaves a text that names what was wrong and
 *     what to write instead, in metrics_last_error(), for the calling thread. Its *out is then NULL
 *     or an object whose updates do nothing; each function's comment states which.
 * (6) Structs that a program fills in begin with `size`, which is sizeof the struct, so that they
 *     can grow without a new function. Fields that a program doesn't set are 0, the default.
 *
 *       metrics_family_options options = {.size = sizeof options, .mode = METRICS_LIVESUM};
 *
 * The header is the stable interface, versioned by the library's SONAME. */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#if defined(__GNUC__)
#define METRICS_API __attribute__((visibility("default")))
#else
#define METRICS_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum metrics_status {
  METRICS_OK = 0,
  METRICS_INVALID = 1,       /* a name, label, bound, path or option breaks the rules */
  METRICS_CONFLICT = 2,      /* two families share a sample name: only one can be served */
  METRICS_FULL = 3,          /* the segment's directory or cells are used up */
  METRICS_NO_SPACE = 4,      /* the file system, a quota or a limit of the process leaves no room */
  METRICS_NO_PERMISSION = 5, /* the process may not open or create the file */
  METRICS_INCOMPATIBLE = 6,  /* the file is not a segment, or is damaged, or has a version or
                                geometry that this library can't use */
  METRICS_UNSUPPORTED = 7,   /* the file system or the kernel lacks what ownership needs */
  METRICS_GONE = 8,          /* the segment was deleted or replaced under its name */
  METRICS_NO_SLOT = 9, /* all slots are owned: this process, or some of its threads, count in the
                          shared one; the gauges of a process without a slot are refused */
  METRICS_SYSTEM = 10  /* another error of the operating system, which the text names */
} metrics_status;

/* Returns the status in lower-case words, e.g. "no space"; "unknown status" for any other number.
 * Never NULL. The string lives until the process ends. */
METRICS_API const char* metrics_status_name(metrics_status status);

/* Returns the reason why the calling thread's last failed call, one that returned a status other
 * than METRICS_OK, failed; "" if no call has failed, or memory or the pthread key for the text was
 * lacking. Never NULL. Valid until the thread's next failing call. */
METRICS_API const char* metrics_last_error(void);

/* Returns the version of the library, e.g. "0.1.0". */
METRICS_API const char* metrics_version(void);

/* A log function. The library calls it for everything that can't be counted, once for each segment
 * or family and cause, with one line of text. With METRICS_OK it reports what loses no count: that
 * the segment has another size, or a family another limit, than the process has asked for, that a
 * label value was cut, that a family counts in its overflow series, or that an exemplar had no
 * place.
 * Updates never call it; the reason
 * why one got no slot is logged by the process's next set-up call, or by metrics_segment_status().
 * The thread that called the library calls it, with none of the library's locks held. It must not
 * throw. */
typedef void (*metrics_log_function)(metrics_status status, const char* text, void* context);

/* Makes the library log through that function, with that context, from now on and in all threads.
 * The default writes "metrics: TEXT" to standard error. NULL: nothing is logged. If the process is
 * out of memory, the function before stays. */
METRICS_API void metrics_set_log(metrics_log_function function, void* context);

/* Calls the log function with one line of text, for code that is built on top of the library. Does
 * nothing if text is NULL. */
METRICS_API void metrics_log(metrics_status status, const char* text);

/* ---- segments ---- */

typedef struct metrics_segment metrics_segment;

/* The size of a segment that this process creates; one that exists keeps its own geometry. 0 in a
 * field stands for the environment variable named beside it or, if that is not set, for the default
 * named there. The file is sparse: what is not used costs no memory, except for the directory,
 * which is reserved when the file is created. */
typedef struct metrics_geometry {
  size_t size;        /* sizeof(metrics_geometry) */
  uint32_t processes; /* $METRICS_PROCESSES, 1024: workers that live at the same time */
  uint32_t threads;   /* $METRICS_THREADS, 1024: their further threads, likewise */
  uint64_t cells;     /* $METRICS_CELLS, 1048576: a series of a histogram with n bounds
                               takes n + 2, of a counter 2, of a gauge, an info or a
                               state set 3 */
  uint64_t
      directory_bytes; /* $METRICS_DIRECTORY_BYTES, 8 MiB: a series takes 112 bytes, and for each
                               label 4 and its value */
} metrics_geometry;

/* Joins the segment of that name, or creates it if it does not exist, and stores it in *out. One
 * process can open 16 different ones; those that it could not join count too.
 *
 * path: NULL stands for $METRICS_SEGMENT, else /dev/shm/metrics-UID with the effective user's id.
 * The file's name is the path and ".v2", the version of its format; a path that already ends with
 * that is used unchanged. The current directory makes a relative path absolute.
 * geometry: NULL stands for one whose fields are all 0.
 * Permissions of a new file: 0600; where a group shares it 0660 and that group, which is
 * $METRICS_GROUP (a name or a number) or, if that is not set, the group of the file's folder,
 * provided that the folder is setgid, writable for its group, and for no others.
 * A file is joined only if it is a regular file, not a symbolic link; belongs to the effective user
 * or to that group; and is writable for no others, nor for another group.
 *
 * METRICS_INVALID: path or geometry breaks the rules.
 * METRICS_NO_SPACE: the file system has no room.
 * METRICS_NO_PERMISSION: the file has another owner, or wrong permissions.
 * METRICS_INCOMPATIBLE: the file is not a segment, or has another version.
 * METRICS_UNSUPPORTED: the file system lacks the locks that ownership needs.
 * METRICS_FULL: the process has already opened 16.
 * METRICS_SYSTEM: another error of the operating system.
 * In each case *out is a segment, never NULL. One that could not be joined accepts families and
 * series and checks them as any other does, counts nothing, and keeps the status; the next call
 * tries again to join, and may return another segment. */
METRICS_API metrics_status metrics_open(const char* path, const metrics_geometry* geometry,
                                        metrics_segment** out);

/* Returns the segment of metrics_open(NULL, NULL), which the first call joins. Never NULL: if it
 * can't be joined, metrics_segment_status() has the reason, and the next call tries again. */
METRICS_API metrics_segment* metrics_default(void);

/* Returns the full name of the segment's file; "" for NULL. Valid until the process ends. */
METRICS_API const char* metrics_segment_path(const metrics_segment* segment);

/* Returns METRICS_OK as long as this process is counted in slots of its own, else the first reason
 * why the segment could not be joined or, since the last fork, why no slot could be claimed; the
 * text is in metrics_last_error(). METRICS_GONE also if the file was deleted or replaced: no reader
 * sees what is counted from then on. METRICS_INVALID: the segment is NULL. A process claims its
 * slot at its first update; before that, the status is that of joining. */
METRICS_API metrics_status metrics_segment_status(const metrics_segment* segment);

/* ---- families ---- */

typedef struct metrics_family metrics_family;

typedef enum metrics_type {
  METRICS_COUNTER = 1,
  METRICS_GAUGE = 2,
  METRICS_HISTOGRAM = 3,
  METRICS_SUMMARY = 4, /* counts and sums, without quantiles, which can't be merged over
                          processes */
  METRICS_INFO = 5,    /* constant information as labels: a series with the value 1 for each set of
                          labels that a living process states; the family has no label names */
  METRICS_STATESET = 6 /* which of several states something is in: a sample for each state, 1 or 0,
                          with the state in a label of the family's name */
} metrics_type;

/* How the gauges of all processes become one sample, in client_python's vocabulary. The "live"
 * modes count only processes that are alive; the others keep what dead processes have left. ALL and
 * LIVEALL have a sample for each process, with its pid as a label; with ALL, a dead process's
 * sample stays until another process adopts its slot.
 *
 * A state set has LIVEMOSTRECENT, its default: the state that a living process has set last;
 * MOSTRECENT; STATESET_ALL and LIVEALL, each process's state; and LIVESUM, which makes it a gauge:
 * how many living processes are in each state. */
typedef enum metrics_mode {
  METRICS_ALL, /* the default of all types except for state sets */
  METRICS_LIVEALL,
  METRICS_SUM,
  METRICS_LIVESUM,
  METRICS_MIN,
  METRICS_LIVEMIN,
  METRICS_MAX,
  METRICS_LIVEMAX,
  METRICS_MOSTRECENT,
  METRICS_LIVEMOSTRECENT,
  METRICS_STATESET_ALL /* METRICS_ALL for a state set, for which 0 is METRICS_LIVEMOSTRECENT */
} metrics_mode;

/* Native buckets, which nobody has to choose: 2^n for each power of two, in a window of magnitudes
 * from min to max. A value nearer to zero than min is counted in a zero bucket, one above max in an
 * overflow bucket: the count stays exact, and a quantile there is shown as +Inf. An aggregator
 * shows them to servers that ask for protobuf. A series takes 8 bytes for each bucket in each
 * worker, 2.2 KB with the defaults. */
typedef struct metrics_native {
  size_t size;   /* sizeof(metrics_native) */
  double factor; /* from one bound to the next, at most: above 1, up to 2. 0: 1.1. Rounded down to
                    2, 2^(1/2), 2^(1/4), ... 2^(1/256) */
  double min;    /* above 0; rounded down to a power of two. 0: 2^-20, about a microsecond */
  double max;    /* above min, up to 64 powers of two; rounded up to one. 0: 2^12, 68 minutes */
  int negative;  /* not 0: the same buckets below zero, too. At most 4096 buckets in all */
} metrics_native;

/* What a definition may have besides name, help and label names. An option that the type doesn't
 * have causes METRICS_INVALID. */
typedef struct metrics_family_options {
  size_t size;          /* sizeof(metrics_family_options) */
  const char* unit;     /* becomes the ending of the name; NULL or "": no unit. Not for an
                           info or a state set */
  const double* bounds; /* for a histogram: upper bounds, inclusive, ascending and finite; +Inf is
                           added. NULL: Prometheus's default bounds, .005 to 10 seconds */
  size_t bound_count;   /* 0 with bounds that are not NULL: only the +Inf bucket */
  metrics_mode mode;    /* for a gauge or a state set; for an info METRICS_MOSTRECENT, see
                           metrics_info_state() */
  size_t max_series;    /* how many series the family may have, below 2^32; 0: no limit. Not a part
                           of the definition: the segment keeps the first one that it was given */
  const metrics_native* native; /* for a histogram: native buckets beside its bounds. NULL: none,
                                   unless METRICS_NATIVE_HISTOGRAMS=1 in the environment gives all
                                   histograms those with the defaults */
  const char* const* states;    /* for a state set: its states, 1 to 256, not empty, each once. A
                                   program that has others beside it, or before it, is counted in
                                   the same family, which then shows the states of both */
  size_t state_count;
  int exemplars; /* for a counter or a histogram: not 0 gives its series places for exemplars,
                    160 bytes for a counter and for each bucket of the bounds, 32 buckets at most,
                    8 at least for a native one, in each process and thread that counts. Not a
                    part of the definition, likewise */
} metrics_family_options;

/* Finds the family of that definition in the segment, or registers it, and stores it in *out.
 * A NULL segment stands for metrics_default(), a NULL help for "", NULL options for all defaults;
 * labels may be NULL when label_count is 0. A counter's name may be given with or without `_total`,
 * an info's with or without `_info`. Names are any UTF-8 that is not empty; those of labels don't
 * begin with `__`. Servers that know only [a-zA-Z_:][a-zA-Z0-9_:]* see others escaped, which is
 * logged once.
 *
 * A definition may change: programs with other label names, bounds, native buckets, units or modes
 * under the same name, in a former release or beside this one, are counted, and all are served as
 * one family, with the help, unit, bounds and mode of the process that has started last of those
 * that define it; native buckets are shown in the coarsest resolution of all definitions. A
 * summary and a histogram are served as one, too. metrics_family_status() returns whether the
 * family is served.
 *
 * A limit of series (max_series) is for label values that a program does not choose itself. A
 * counter, histogram or summary counts beyond it in one series more, whose label values are all
 * "__overflow__": the family's sum stays right. Gauges, state sets and infos do nothing beyond it.
 * The environment variable METRICS_MAX_SERIES ("http_*=5000,other_total=100") gives limits from
 * outside, and wins over the program: patterns of fnmatch(3), of which the first that matches
 * decides, for names as a TYPE line of an exposition has them, with `_total` or `_info`; 0 stands
 * for no limit. Which limit the segment keeps is logged if it is another one.
 *
 * Exemplars need places, which a family has if the first process that has defined it in the segment
 * has asked for them: by the option, or by the environment variable METRICS_EXEMPLARS
 * ("http_*,tasks_total"), patterns likewise. It is logged if a later one asks in vain.
 *
 * METRICS_INVALID: a name, type, bound or option breaks the rules, which are Prometheus's
 * (https://prometheus.io/docs/concepts/data_model); *out is NULL.
 * METRICS_CONFLICT: this process, or its parent before the fork, has defined and not given up a
 * family that can't be served beside this one: they share a sample name, as a counter and a gauge
 * of one name do, or a counter `x_count` and a histogram `x`.
 * METRICS_FULL: the directory is full, or the name has 64 definitions already.
 * METRICS_INCOMPATIBLE: the directory is damaged.
 * METRICS_NO_SPACE: the process is out of memory.
 * After METRICS_CONFLICT, METRICS_FULL and METRICS_INCOMPATIBLE, *out is a family whose series
 * count nothing; after METRICS_NO_SPACE it is that or NULL. */
METRICS_API metrics_status metrics_family_of(metrics_segment* segment, metrics_type type,
                                             const char* name, const char* help,
                                             const char* const* labels, size_t label_count,
                                             const metrics_family_options* options,
                                             metrics_family** out);

/* Returns METRICS_OK if the family's series are counted and served; METRICS_CONFLICT, METRICS_FULL
 * or METRICS_INCOMPATIBLE, the reason why its last metrics_family_of() was refused;
 * METRICS_CONFLICT also while its series are counted, but another process's family, with which it
 * shares a sample name, is served instead, because that process started later; the status of its
 * segment if that could not be joined; METRICS_INVALID if the family is NULL. The text is in
 * metrics_last_error(). Logs, as set-up calls do, what updates could not do so far. */
METRICS_API metrics_status metrics_family_status(const metrics_family* family);

/* Returns 1 if the family's series have places for exemplars; 0 if they have none, the family is
 * NULL, was refused, or its segment could not be joined. */
METRICS_API int metrics_family_has_exemplars(const metrics_family* family);

/* Undoes one call of metrics_family_of() that returned this family, in this process. Once all are
 * undone, the process may define another family that can't be served beside it. The series stay,
 * and their handles count on. If the family is defined again, it is the newest definition of its
 * name in this process. Does nothing if all were undone. METRICS_INVALID: the family is NULL. */
METRICS_API metrics_status metrics_family_give_up(metrics_family* family);

/* Write bounds for a histogram to bounds[0..count-1]: start, start + width, ..., or start,
 * start * factor, ... METRICS_INVALID: they would not be finite and ascending, as with width <= 0,
 * start <= 0 of exponential ones, or factor <= 1. */
METRICS_API metrics_status metrics_linear_bounds(double start, double width, size_t count,
                                                 double* bounds);
METRICS_API metrics_status metrics_exponential_bounds(double start, double factor, size_t count,
                                                      double* bounds);

/* ---- series ---- */

typedef struct metrics_counter metrics_counter;
typedef struct metrics_gauge metrics_gauge;
typedef struct metrics_histogram metrics_histogram; /* for histograms and summaries */
typedef struct metrics_stateset metrics_stateset;

/* Find the family's series with these label values, as many as it has label names and in their
 * order, or register it if it is new, and store it in *out. Keep what you get: looking up the
 * labels costs about twenty times an update.
 *
 * No text is refused. Bytes that are not UTF-8 become U+FFFD. A value that then has more than 16384
 * bytes is cut behind a character, and ends with U+2026: two long values that begin alike are one
 * series. Each look-up that cuts is counted in the segment, and the first of a family is logged.
 *
 * METRICS_INVALID: the family is NULL, of another type, or has another number of labels; or a value
 * is NULL. *out is NULL.
 * METRICS_CONFLICT: the family was refused.
 * METRICS_FULL: the directory or the cells are used up; or the family of a gauge or a state set has
 * as many series as it may have. The last eighth of both is kept for families of at most 64 series.
 * METRICS_INCOMPATIBLE: the directory is damaged.
 * METRICS_NO_SPACE: the file system or the process has no room.
 * METRICS_NO_PERMISSION: the process may no longer open the file.
 * METRICS_GONE: the segment was deleted or replaced.
 * After all errors except METRICS_INVALID, *out is a series that counts nothing, and a later call
 * with the same labels tries again. In a segment that could not be joined, *out is such a series
 * too, but with METRICS_OK: the segment's status has the reason.
 * A family with a limit stores its overflow series in *out, with METRICS_OK, for label values
 * beyond it, and where METRICS_FULL or METRICS_NO_SPACE would refuse a series. Don't keep that one:
 * once others are removed, a look-up leads to a series of these label values. */
METRICS_API metrics_status metrics_counter_labels(metrics_family* family, const char* const* values,
                                                  size_t count, metrics_counter** out);
METRICS_API metrics_status metrics_gauge_labels(metrics_family* family, const char* const* values,
                                                size_t count, metrics_gauge** out);
METRICS_API metrics_status metrics_histogram_labels(metrics_family* family,
                                                    const char* const* values, size_t count,
                                                    metrics_histogram** out);
METRICS_API metrics_status metrics_stateset_labels(metrics_family* family,
                                                   const char* const* values, size_t count,
                                                   metrics_stateset** out);
/* States an info, with the names and values of its labels in any order. It is a fact of this
 * process, shown as long as the process lives, or another one that has stated the same, until
 * somebody removes it. A child that is forked later states it too, with its first own update. In
 * mode METRICS_MOSTRECENT, what was stated last stays when no process lives that states any. Values
 * are repaired and cut as above.
 *
 * To state is an update: it takes a slot, and in a process that gets none it is dropped, counted as
 * a gauge's update is. To state the same again changes nothing. METRICS_INVALID: the family is NULL
 * or not an info, a label's name breaks the rules, or a name or value is NULL. Other errors: as
 * above. */
METRICS_API metrics_status metrics_info_state(metrics_family* family, const char* const* names,
                                              const char* const* values, size_t count);

/* Writes label values that are given by name to ordered[0..count-1], in the order of the family's
 * label names, for the functions above. METRICS_INVALID: the family is NULL; a name is missing,
 * unknown or given twice; or a name or value is NULL. */
METRICS_API metrics_status metrics_order_labels(const metrics_family* family,
                                                const char* const* names, const char* const* values,
                                                size_t count, const char** ordered);

/* Removes the series that shows under these label values from the segment, for all processes, in
 * all definitions that the family has had. For an info, values has names and values in turn. A
 * later call of metrics_*_labels, in any process, begins a new series at zero, and until then
 * handles obtained before count nothing in that process.
 *
 * What a removed series has taken of the segment is used again: that of a gauge, state set or info
 * for the same label values at once, and all else for any series, if no living process but the one
 * that registers has had a handle of the removed one, and no thread of that one is in an update
 * that has begun before. The library knows that of threads that look up series, and of those that
 * call metrics_quiescent(). An overflow series stays. METRICS_OK also if there was no such series.
 * METRICS_INVALID: the family is NULL or has another number of labels, or a value is NULL. */
METRICS_API metrics_status metrics_remove(metrics_family* family, const char* const* values,
                                          size_t count);
/* Removes all series of the family except for its overflow series, for all processes; see
 * metrics_remove(). METRICS_INVALID: the
 * family is NULL. */
METRICS_API metrics_status metrics_clear(metrics_family* family);

/* For bindings that keep what they have looked up: returns the address of a word, and stores in
 * *live the value that it holds for as long as these label values lead to the same series. Once any
 * process has removed that, the word holds another value. Load it anew each time (__atomic_load_n,
 * relaxed), and look up again where it differs from *live. The address is valid until the process
 * ends. NULL: this process has not looked up such a series, the series counts nothing, or the
 * family is an info. */
METRICS_API const uint64_t* metrics_series_state(const metrics_family* family,
                                                 const char* const* values, size_t count,
                                                 uint64_t* live);

/* Tells that the calling thread is not in the middle of an update, which is true wherever this can
 * be called. For threads that only update, in a process that removes series: see metrics_remove().
 * It takes a nanosecond. A thread that looks up series need not call it. Not to be called, as no
 * look-up is either, in a signal handler that may have interrupted an update. */
METRICS_API void metrics_quiescent(void);

/* For bindings to languages whose interpreter holds a lock: while `under` is not 0, the calling
 * thread promises that all updates through handles that it asks for are made by threads that hold
 * the lock which it holds now. Then no thread need call metrics_quiescent(). */
METRICS_API void metrics_under_lock(int under);
/* Tells that one handle which the family's metrics_*_labels() has returned under such a lock is no
 * longer used: the library may use its memory for another series'. Other handles are valid until
 * the process ends; at most 64 bytes each stay of those of removed series. */
METRICS_API void metrics_release(metrics_family* family, const void* handle);

/* ---- updates ---- */

/* Adds n. The count wraps at 2^64. */
METRICS_API void metrics_counter_inc(const metrics_counter* counter, uint64_t n);
/* Adds an amount that need not be whole. A negative amount, or NaN, is ignored and counted as
 * dropped. */
METRICS_API void metrics_counter_add(const metrics_counter* counter, double amount);

/* Set or change this process's value, which its threads share. A forked child begins with an unset
 * one. Adding to an unset value begins at 0. Times are seconds since the Unix epoch. */
METRICS_API void metrics_gauge_set(metrics_gauge* gauge, double value);
METRICS_API void metrics_gauge_add(metrics_gauge* gauge, double amount); /* may be negative */
METRICS_API void metrics_gauge_set_to_current_time(metrics_gauge* gauge);

/* No state: of a family that has no such one, or of a process that has set none. */
#define METRICS_NO_STATE ((size_t)-1)
/* Sets this process's state, which its threads share, to one of the family's states, by its index.
 * A forked child begins without one. METRICS_NO_STATE, and any other index that the family does not
 * have, is ignored and counted as dropped. */
METRICS_API void metrics_stateset_set(metrics_stateset* set, size_t state);
/* Returns the index of a state among the family's states; METRICS_NO_STATE if it is not one of
 * them, or an argument is NULL. Takes no lock and no memory, like an update; it compares one name
 * after the other. */
METRICS_API size_t metrics_stateset_index(const metrics_family* family, const char* state);

/* Counts one observation in the first bucket whose bound is not below the value. NaN is ignored and
 * counted as dropped. */
METRICS_API void metrics_histogram_observe(const metrics_histogram* histogram, double value);

/* Do the same as metrics_counter_add() and metrics_histogram_observe(), and keep an exemplar, which
 * an exposition shows beside the sum or the bucket until a newer one of that takes its place: the
 * value, the time, and labels such as a trace's id, with `count` names and values. It costs some
 * clock readings' time. What is counted does not depend on the exemplar. None is kept, and that is
 * counted in the segment, if the family has no places for exemplars (see metrics_family_of(); the
 * first time is logged by the process's next set-up call); or if the labels are none: they have
 * more than 128 bytes together, or more than 135 with two for each label; a name has other
 * characters than letters, digits and '_', or begins with a digit or "__", or is there twice; a
 * value is not UTF-8; or a string is NULL. Nor is one kept, uncounted, by a thread that has no slot
 * of its own. In a signal handler that interrupts another one, both may be lost. */
METRICS_API void metrics_counter_add_exemplar(const metrics_counter* counter, double amount,
                                              const char* const* names, const char* const* values,
                                              size_t count);
METRICS_API void metrics_histogram_observe_exemplar(const metrics_histogram* histogram,
                                                    double value, const char* const* names,
                                                    const char* const* values, size_t count);

/* Returns CLOCK_MONOTONIC in seconds. Two calls and an observe make a timer. */
METRICS_API double metrics_now(void);

/* ---- reading back, for tests: these make system calls, more with more slots ---- */

/* Store what all processes together have counted, the dead ones included, as a scrape would now.
 * METRICS_INVALID: the handle is NULL or counts nothing. METRICS_GONE, METRICS_NO_PERMISSION,
 * METRICS_NO_SPACE: the file can't be opened under its name. METRICS_SYSTEM: the file can't be
 * read. */
METRICS_API metrics_status metrics_counter_value(const metrics_counter* counter, double* out);
METRICS_API metrics_status metrics_histogram_value(const metrics_histogram* histogram,
                                                   uint64_t* count, double* sum);
/* Stores what this process has set, or NaN if it has set nothing; with METRICS_SUM, 0 if it has set
 * nothing but adopted a slot with a value. METRICS_INVALID: the handle is NULL or counts nothing.
 * METRICS_NO_SLOT: the process has no slot, so that its gauges are refused. */
METRICS_API metrics_status metrics_gauge_value(const metrics_gauge* gauge, double* out);
/* Stores the index of the state that this process has set; METRICS_NO_STATE if it has set none.
 * Errors are those of metrics_gauge_value(). */
METRICS_API metrics_status metrics_stateset_value(const metrics_stateset* set, size_t* state);

#ifdef __cplusplus
}
#endif

#endif /* METRICS_METRICS_H */
