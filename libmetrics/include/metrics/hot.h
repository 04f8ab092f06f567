/* hot.h -- what an update touches, laid out so that metrics.hpp can inline it. Part of the ABI: it
 * changes only with the library's SONAME. Use metrics.h or metrics.hpp; this header makes no
 * promises of its own.
 *
 * A thread keeps the addresses of its slots in a place of its own, in memory that the kernel wipes
 * in a forked child. So a child, however it was forked, finds none of its parent's addresses there,
 * and gets a slot of its own. Thread-local memory holds only the address of that place. The
 * process's epoch, in wiped memory too, distinguishes a process from its ancestors. */
#ifndef METRICS_HOT_H
#define METRICS_HOT_H

#include <stdint.h>

#include "metrics/metrics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How many segments a process can join. One more index leads nowhere. */
#define METRICS_MAX_SEGMENTS 16
#define METRICS_NOWHERE METRICS_MAX_SEGMENTS

typedef struct metrics_thread_state {
  uint64_t* cells[METRICS_MAX_SEGMENTS +
                  1]; /* own slots; NULL: take the slow path. The last is always NULL */
  uint64_t tried;     /* a bit for each segment: the thread asked for a slot since the last fork */
  uint64_t seen;      /* the last look during or after which the thread was outside of the library's
                         updates and look-ups; 0: it has no place of its own */
} metrics_thread_state;

typedef struct metrics_process_state {
  uint64_t epoch; /* 0 until the first update after start or fork; then unlike any ancestor's */
} metrics_process_state;

/* The state of the calling thread, and of its process. Neither is ever NULL. */
extern METRICS_API __thread metrics_thread_state* metrics_thread
    __attribute__((tls_model("initial-exec")));
extern METRICS_API metrics_process_state* metrics_process;

/* Each handle begins with the place of its series: the segment's number in the low half, the index
 * of the first cell in the high half. It is one word, so that an update finds both of one moment:
 * the library leads a handle nowhere once its series is removed, and back when the same label
 * values are looked up again. */
struct metrics_counter {
  uint64_t place;
};

struct metrics_gauge {
  uint64_t place;
  /* The value's word in this process's first slot, if it holds only this process's value; else
   * NULL. Valid only for a thread that has a slot. */
  uint64_t* word;
};

struct metrics_histogram {
  uint64_t place;       /* of the first bucket */
  uint32_t sum;         /* the distance to the sum's cell */
  uint32_t padded;      /* the number of bounds, rounded up for the search: those added are +Inf */
  const double* bounds; /* aligned to 64 bytes; what stands before them is find's */
  /* Counts a value, which must not be NaN, in a slot. The family chooses the function, when it is
   * made, for this CPU and this number of bounds, so that the search needs no loop. */
  void (*observe)(uint64_t* first_cell, const struct metrics_histogram*, double value);
  /* Returns the number of bounds below value, which is the bucket's index. Chosen likewise. */
  uint32_t (*find)(const double* bounds, uint32_t padded, double value);
};

/* Returns the segment's number of a place. */
static inline uint32_t metrics_hot_segment(uint64_t place) { return (uint32_t)place; }

/* Returns the cells of the calling thread's slot in a segment; NULL: the caller must call the
 * out-of-line function, which handles every other case. */
static inline uint64_t* metrics_hot_cells(uint32_t segment) {
  /* Loaded anew each time: a signal handler may have forked since. */
  const metrics_thread_state* thread = __atomic_load_n(&metrics_thread, __ATOMIC_RELAXED);
  return __atomic_load_n(&thread->cells[segment], __ATOMIC_RELAXED);
}

/* Returns the series' first cell in the calling thread's slot, for the place that a handle begins
 * with; NULL as above. */
static inline uint64_t* metrics_hot_first(const uint64_t* place) {
  const uint64_t now = __atomic_load_n(place, __ATOMIC_RELAXED);
  uint64_t* cells = metrics_hot_cells(metrics_hot_segment(now));
  return cells == NULL ? NULL : cells + (now >> 32);
}

/* ThreadSanitizer does not recognize assembly or volatile accesses as atomic: it gets atomics. */
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

/* Must be called with each handle that metrics_*_labels() stored, before its fields are read:
 * ThreadSanitizer does not see the library's own ordering with the thread that filled it. */
static inline void metrics_hot_acquire(const void* handle) {
#if defined(METRICS_HOT_ATOMIC)
  if (handle != NULL) __tsan_acquire((void*)handle);
#else
  (void)handle;
#endif
}

/* Adds n to a cell. Only one thread writes it, so nothing is lost without a locked instruction.
 * Relaxed: a cell says nothing about other memory; no reader concludes anything about cell B from
 * cell A. On x86-64 it is one instruction, which no signal handler can split. */
static inline void metrics_hot_count(uint64_t* cell, uint64_t n) {
#if defined(__x86_64__) && !defined(METRICS_HOT_ATOMIC)
  __asm__ volatile("addq %1, %0" : "+m"(*cell) : "er"(n) : "cc");
#else
  __atomic_store_n(cell, __atomic_load_n(cell, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
#endif
}

/* Adds an amount to a cell that holds a double. The next call needs the sum, so the detour through
 * an integer register, which atomics take, would delay it; on x86-64 a volatile access is as
 * indivisible without the detour. */
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

/* 2^53: above it, doubles can't represent every whole number. */
#define METRICS_HOT_EXACT 9007199254740992.0

/* Returns whether metrics_hot_add() may add the amount. These comparisons raise no floating-point
 * exception for NaN, as `<` would, in a program that traps them. */
static inline int metrics_hot_may_add(double amount) {
  return __builtin_isgreaterequal(amount, 0.0) && __builtin_isless(amount, METRICS_HOT_EXACT);
}

/* Adds an amount for which metrics_hot_may_add() is true to a counter. Whole amounts are counted as
 * integers, so that they stay exact. */
static inline void metrics_hot_add(uint64_t* first_cell, double amount) {
  const int64_t whole = (int64_t)amount;
  if ((double)whole == amount) {
    metrics_hot_count(first_cell, (uint64_t)whole);
  } else {
    metrics_hot_sum(first_cell + 1, amount);
  }
}

/* A gauge's value is stored XOR this NaN, so that a word of zeros is a value that was never set. */
#define METRICS_HOT_UNSET UINT64_C(0x7ff86e6f74736574)

static inline uint64_t metrics_hot_encode(double value) {
  uint64_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  if (__builtin_expect(bits == METRICS_HOT_UNSET, 0)) bits = UINT64_C(0x7ff8000000000000);
  return bits ^ METRICS_HOT_UNSET;
}

/* Sets the gauge if one store suffices, and returns 1; else returns 0, and the caller must call
 * metrics_gauge_set(). */
static inline int metrics_hot_set(struct metrics_gauge* gauge, double value) {
  const uint64_t place = __atomic_load_n(&gauge->place, __ATOMIC_RELAXED);
  if (__builtin_expect(metrics_hot_cells(metrics_hot_segment(place)) == NULL, 0)) return 0;
  /* Acquire: the generation, stored before the word was published, stays before the value. */
  uint64_t* word = __atomic_load_n(&gauge->word, __ATOMIC_ACQUIRE);
  if (__builtin_expect(word == NULL, 0)) return 0;
  __atomic_store_n(word, metrics_hot_encode(value), __ATOMIC_RELAXED);
  return 1;
}

#ifdef __cplusplus
}
#endif

#endif /* METRICS_HOT_H */
