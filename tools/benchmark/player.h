// player.h -- a program of measurements that the benchmark's driver plays one short repetition of
// at a time, so that the figures of a row, of whatever program and language, are taken in turns.
//
// Protocol: a line "NAME COUNT" on standard input is answered by a line on standard output: the
// nanoseconds that COUNT operations of that measurement took, or "error TEXT". `--list` prints all
// names, `NAME COUNT` as arguments does one measurement and prints nothing but the answer.
#pragma once

#include <cstdint>
#include <ctime>
#include <functional>
#include <map>
#include <string>

namespace metrics::bench {

// Does `count` operations and returns their nanoseconds.
using Measurement = std::function<double(std::uint64_t count)>;

// By name. A name that ends in '*' takes what stands there as an argument.
using Measurements = std::map<std::string, Measurement>;
using Parametric = std::map<std::string, std::function<Measurement(const std::string& argument)>>;

inline double clock_ns(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

// A measurement by the calling thread's CPU time, which other programs' load does not add to. An
// eighth goes ahead untimed, so that caches and predictors know the work.
template <class Work>
Measurement timed(Work work) {
  return [work](std::uint64_t count) mutable {
    work(count / 8 + 1);
    const double begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    work(count);
    return clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
  };
}

// Two threads do it at the same time, each on a CPU of its own; the mean of their CPU times.
// Waiting is not in it, which flatters what blocks.
Measurement timed_twice(std::function<void(std::uint64_t count)> work);

// The caller's part while `beside` runs in a child process on another CPU, until it is killed.
// Where `beside` needs no other CPU's cache lines, it is as if alone.
Measurement timed_beside(std::function<void(std::uint64_t count)> work,
                         std::function<void()> beside);

// Answers until standard input ends. What a measurement throws is its error.
int play(int argc, char** argv, const Measurements& measurements,
         const Parametric& parametric = {});

// Keeps the compiler from leaving out how `value` came about, or from moving memory accesses past
// this point.
template <class T>
inline void keep(const T& value) {
  __asm__ volatile("" : : "r,m"(value) : "memory");
}

}  // namespace metrics::bench
