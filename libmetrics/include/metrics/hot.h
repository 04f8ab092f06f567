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
  uint32_t plain; /* not 0: the word is this process's value alone, and setting it is one store */
  uint64_t*
      word; /* in this process's first slot; NULL without one. Valid only when the thread's epoch is */
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

/* One thread writes this cell, so nothing is lost without a locked instruction. Relaxed: a cell carries no
 * news about other memory; nobody reads cell A and concludes something about cell B. On x86-64 it is one
 * instruction, which no signal handler can split. */
static inline void metrics_hot_count(uint64_t* cell, uint64_t n) {
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
  __asm__ volatile("addq %1, %0" : "+m"(*cell) : "er"(n) : "cc");
#else
  __atomic_store_n(cell, __atomic_load_n(cell, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
#endif
}

/* The same for a cell that holds a double. */
static inline void metrics_hot_sum(uint64_t* cell, double amount) {
  uint64_t bits = __atomic_load_n(cell, __ATOMIC_RELAXED);
  double sum;
  __builtin_memcpy(&sum, &bits, sizeof sum);
  sum += amount;
  __builtin_memcpy(&bits, &sum, sizeof bits);
  __atomic_store_n(cell, bits, __ATOMIC_RELAXED);
}

#ifdef __cplusplus
}
#endif

#endif /* METRICS_HOT_H */
