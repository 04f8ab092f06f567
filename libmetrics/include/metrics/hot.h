/* hot.h -- what an update touches, laid out so that metrics.hpp can inline it. Part of the ABI: it changes
 * only with the library's SONAME. Use metrics.h or metrics.hpp; this header has no promises of its own.
 *
 * A thread keeps the addresses of its slots in a place of its own, in memory that the kernel wipes in a forked
 * child: so a child, however it was forked, finds no address of its parent's there, and gets a slot of its own.
 * Only where that place is stands in thread-local memory. The process's epoch, in such memory too, tells a process
 * from its ancestors. */
#ifndef METRICS_HOT_H
#define METRICS_HOT_H

#include <stdint.h>

#include "metrics/metrics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Segments that a process can join; one more index leads nowhere. */
#define METRICS_MAX_SEGMENTS 16
#define METRICS_NOWHERE METRICS_MAX_SEGMENTS

typedef struct metrics_thread_state {
  uint64_t* cells[METRICS_MAX_SEGMENTS +
                  1]; /* own slots; NULL: take the slow path. The last is always NULL */
  uint64_t tried;     /* a bit for each segment: a slot was asked for since the last fork */
} metrics_thread_state;

typedef struct metrics_process_state {
  uint64_t epoch; /* 0 until the first update after start or fork; never one that an ancestor had */
} metrics_process_state;

/* The calling thread's; never NULL. */
extern METRICS_API __thread metrics_thread_state* metrics_thread
    __attribute__((tls_model("initial-exec")));
extern METRICS_API metrics_process_state* metrics_process;

struct metrics_counter {
  uint32_t segment;
  uint32_t cell;
};

struct metrics_gauge {
  uint32_t segment;
  uint32_t reserved;
  /* In this process's first slot, if the word there is nothing but this process's value; else NULL. Valid only
   * for a thread that has a slot. */
  uint64_t* word;
};

struct metrics_histogram {
  uint32_t segment;
  uint32_t cell;        /* the first bucket's */
  uint32_t sum;         /* behind it: the sum's cell is cell + sum */
  uint32_t padded;      /* of bounds, those added are +Inf, so that a search needs no rest */
  const double* bounds; /* aligned to 64 bytes */
  /* Counts a value that is not NaN in a slot. Chosen for this CPU and this number of bounds when the family
   * was made, so that the search is without a loop. */
  void (*observe)(uint64_t* first_cell, const struct metrics_histogram*, double value);
  /* The number of bounds below value, which is the bucket's index; likewise. */
  uint32_t (*find)(const double* bounds, uint32_t padded, double value);
};

/* The calling thread's slot in a segment; NULL: the out-of-line function knows what to do. */
static inline uint64_t* metrics_hot_cells(uint32_t segment) {
  /* Loaded anew each time: a signal handler may have forked since. */
  const metrics_thread_state* thread = __atomic_load_n(&metrics_thread, __ATOMIC_RELAXED);
  return __atomic_load_n(&thread->cells[segment], __ATOMIC_RELAXED);
}

/* ThreadSanitizer sees neither assembly nor volatile accesses for what they are: atomics it does. */
#if defined(__SANITIZE_THREAD__)
#define METRICS_HOT_ATOMIC 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define METRICS_HOT_ATOMIC 1
#endif
#endif

#if defined(METRICS_HOT_ATOMIC)
extern void __tsan_acquire(void* address);
#endif

/* Called with what metrics_*_labels() has returned, before its fields are read: ThreadSanitizer does
 * not see the library's own order, in which another thread has filled it. */
static inline void metrics_hot_acquire(const void* handle) {
#if defined(METRICS_HOT_ATOMIC)
  if (handle != NULL) __tsan_acquire((void*)handle);
#else
  (void)handle;
#endif
}

/* One thread writes this cell, so nothing is lost without a locked instruction. Relaxed: a cell carries no
 * news about other memory; nobody reads cell A and concludes something about cell B. On x86-64 it is one
 * instruction, which no signal handler can split. */
static inline void metrics_hot_count(uint64_t* cell, uint64_t n) {
#if defined(__x86_64__) && !defined(METRICS_HOT_ATOMIC)
  __asm__ volatile("addq %1, %0" : "+m"(*cell) : "er"(n) : "cc");
#else
  __atomic_store_n(cell, __atomic_load_n(cell, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
#endif
}

/* The same for a cell that holds a double. Its sum is the next call's start, so a way through an integer's
 * register would be waited for; where atomics can't be had without it, a volatile access is as whole. */
static inline void metrics_hot_sum(uint64_t* cell, double amount) {
#if defined(__x86_64__) && !defined(METRICS_HOT_ATOMIC)
  typedef double __attribute__((may_alias)) metrics_double_cell;
  volatile metrics_double_cell* sum = (volatile metrics_double_cell*)cell;
  *sum = *sum + amount;
#else
  uint64_t bits = __atomic_load_n(cell, __ATOMIC_RELAXED);
  double sum;
  __builtin_memcpy(&sum, &bits, sizeof sum);
  sum += amount;
  __builtin_memcpy(&bits, &sum, sizeof bits);
  __atomic_store_n(cell, bits, __ATOMIC_RELAXED);
#endif
}

/* Above, doubles skip whole numbers. */
#define METRICS_HOT_EXACT 9007199254740992.0

/* Adds an amount of 0 to METRICS_HOT_EXACT. Whole ones are counted as such, to stay exact. */
static inline void metrics_hot_add(uint64_t* cells, const struct metrics_counter* c,
                                   double amount) {
  const int64_t whole = (int64_t)amount;
  if ((double)whole == amount) {
    metrics_hot_count(cells + c->cell, (uint64_t)whole);
  } else {
    metrics_hot_sum(cells + c->cell + 1, amount);
  }
}

/* A gauge's value is stored XOR this NaN, so that a word of zeros is one that nobody has set. */
#define METRICS_HOT_UNSET UINT64_C(0x7ff86e6f74736574)

static inline uint64_t metrics_hot_encode(double value) {
  uint64_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  if (__builtin_expect(bits == METRICS_HOT_UNSET, 0)) bits = UINT64_C(0x7ff8000000000000);
  return bits ^ METRICS_HOT_UNSET;
}

/* Sets the gauge if that is one store; 0 if the out-of-line function has to. */
static inline int metrics_hot_set(struct metrics_gauge* gauge, double value) {
  if (__builtin_expect(metrics_hot_cells(gauge->segment) == NULL, 0)) return 0;
  /* Acquire: what was stored before the word was published, its generation, stays before the value. */
  uint64_t* word = __atomic_load_n(&gauge->word, __ATOMIC_ACQUIRE);
  if (__builtin_expect(word == NULL, 0)) return 0;
  __atomic_store_n(word, metrics_hot_encode(value), __ATOMIC_RELAXED);
  return 1;
}

#ifdef __cplusplus
}
#endif

#endif /* METRICS_HOT_H */
