// player.h -- makes a program of measurements. The benchmark's driver plays one short repetition of
// a measurement at a time, so that the figures of a row are taken in turns, in whatever program and
// language they are measured.
//
// Protocol: the program answers a line "NAME COUNT" on standard input with a line on standard
// output: the nanoseconds that COUNT operations of that measurement took, or "error TEXT". With the
// argument `--list` it prints all names; with the arguments `NAME COUNT` it does one measurement
// and prints only the answer.
#pragma once

#include <cstdint>
#include <ctime>
#include <functional>
#include <map>
#include <string>

namespace metrics::bench {

// Does `count` operations and returns their nanoseconds.
using Measurement = std::function<double(std::uint64_t count)>;

// Measurements by name. In a parametric one's name, a '*' at the end stands for the argument.
using Measurements = std::map<std::string, Measurement>;
using Parametric = std::map<std::string, std::function<Measurement(const std::string& argument)>>;

inline double clock_ns(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

// Measures the calling thread's CPU time, to which the load of other programs adds nothing. An
// eighth of the work is done before, untimed, so that caches and predictors know it.
template <class Work>
Measurement timed(Work work) {
  return [work](std::uint64_t count) mutable {
    work(count / 8 + 1);
    const double begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    work(count);
    return clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
  };
}

// Measures the mean CPU time of two threads that do the work at the same time, each on a CPU of its
// own. Waiting is not included, which flatters code that blocks.
Measurement timed_twice(std::function<void(std::uint64_t count)> work);

// Measures the caller's CPU time while `beside` runs in a child process on another CPU, which is
// killed afterwards. If `beside` uses no cache lines of the caller's, the result is as without it.
Measurement timed_beside(std::function<void(std::uint64_t count)> work,
                         std::function<void()> beside);

// Follows the protocol, until standard input ends; returns the program's exit status. If a
// measurement throws, the exception's text is answered as its error.
int play(int argc, char** argv, const Measurements& measurements,
         const Parametric& parametric = {});

// Keeps the compiler from leaving out the computation of `value`, and from moving memory accesses
// past this point.
template <class T>
inline void keep(const T& value) {
  __asm__ volatile("" : : "r,m"(value) : "memory");
}

}  // namespace metrics::bench
