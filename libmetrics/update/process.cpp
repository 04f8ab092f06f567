#include "libmetrics/update/process.h"

#include <sys/mman.h>

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <new>

namespace {

// Where metrics_thread leads before a thread's first update, and where a thread is sent that gets no place, or has
// given its place back. Nobody writes to them.
metrics_thread_state no_place_yet = {{}, 0};
metrics_thread_state no_place = {{}, ~std::uint64_t{0}};
// Before the process's state is set up.
metrics_process_state nobody = {0};

}  // namespace

extern "C" {
__thread metrics_thread_state* metrics_thread = &no_place_yet;
metrics_process_state* metrics_process = &nobody;
}

namespace metrics::core {
namespace {

constexpr long kBoundNs =
    10'000'000;  // a first update waits no longer for a thread that sets up families

Process* the_process = nullptr;
bool wiped = false;            // known from the first page; all others are alike
std::uint64_t last_epoch = 0;  // ordinary memory: a child goes on from its parent's
sigset_t before_fork;          // guarded by the mutex

// Places of threads: the first ones beside the process's state, the others in chunks, each of twice as many pages as the
// one before, that live as long as the process. Where the next place is stands in ordinary memory, so that a child
// forked by raw clone() goes on behind those that it has inherited and gives none of them to a second thread. Free
// places, in wiped memory, are forgotten then. Guarded by the mutex; each change of what is free is one store, after
// which another thread may clone() the process.
union Place {
  metrics_thread_state state;
  Place* next_free;  // valid while nobody has it
};
constexpr std::size_t kFirstPlaces =
    (layout::kPage - sizeof(Process) - sizeof(void*)) / sizeof(Place);
struct WipedPage {
  Process process;
  Place* free_places;
  std::array<Place, kFirstPlaces> first_places;
};
static_assert(sizeof(WipedPage) <= layout::kPage, "wiped as one page");

WipedPage* the_page = nullptr;
constexpr std::size_t kChunks = 20;
std::array<Place*, kChunks> chunks{};
// Places 0..places_given-1, counted through the page and the chunks, were given at some time.
std::size_t places_given = 0;

std::size_t places_in(std::size_t chunk) noexcept {
  return (page_bytes() << chunk) / sizeof(Place);
}

// Private pages of zeros, and of zeros again in a child; nullptr if there are none to be had.
void* wiped_pages(std::size_t bytes) noexcept {
  void* pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return nullptr;
  const bool will_be_wiped = ::madvise(pages, bytes, MADV_WIPEONFORK) == 0;
  if (the_process == nullptr) wiped = will_be_wiped;
  if (will_be_wiped == wiped) return pages;
  ::munmap(pages, bytes);  // out of mappings: the kernel can, or could not before
  return nullptr;
}

Place* place_at(std::size_t index) noexcept {
  if (index < the_page->first_places.size()) return &the_page->first_places[index];
  index -= the_page->first_places.size();
  for (std::size_t chunk = 0; chunk < kChunks; ++chunk) {
    if (index < places_in(chunk)) {
      if (chunks[chunk] == nullptr) {
        chunks[chunk] = static_cast<Place*>(wiped_pages(page_bytes() << chunk));
      }
      return chunks[chunk] == nullptr ? nullptr : chunks[chunk] + index;
    }
    index -= places_in(chunk);
  }
  return nullptr;
}

// Locks the mutex before `until`, of the clock that steps can't move. ThreadSanitizer doesn't know that call in g++ 12
// and clang 14, and is given its elder.
#ifdef __SANITIZE_THREAD__
constexpr clockid_t kClock = CLOCK_REALTIME;
int lock_until(pthread_mutex_t& mutex, const timespec& until) {
  return ::pthread_mutex_timedlock(&mutex, &until);
}
#else
constexpr clockid_t kClock = CLOCK_MONOTONIC;
int lock_until(pthread_mutex_t& mutex, const timespec& until) {
  return ::pthread_mutex_clocklock(&mutex, kClock, &until);
}
#endif

// The kernel has unlocked the mutex in a forked child, which ThreadSanitizer doesn't see either.
void tell_wiped([[maybe_unused]] pthread_mutex_t& mutex) {
#ifdef __SANITIZE_THREAD__
  __tsan_mutex_pre_unlock(&mutex, 0);
  __tsan_mutex_post_unlock(&mutex, 0);
#endif
}

// Around fork(), so that the child inherits families and tables whole.
void prepare_fork() {
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  ::pthread_mutex_lock(&the_process->mutex);
  before_fork = before;
}
void parent_after_fork() {
  const sigset_t before = before_fork;
  ::pthread_mutex_unlock(&the_process->mutex);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}
void child_after_fork() {
  if (!wiped) {
    std::memset(static_cast<void*>(the_process), 0, page_bytes());
    for (std::size_t i = 0; i < kChunks; ++i) {
      if (chunks[i] != nullptr) std::memset(static_cast<void*>(chunks[i]), 0, page_bytes() << i);
    }
  }
  // This is the only thread, and none of the places that were given is anybody's any more; unless another handler of
  // the child has counted already.
  if (the_process->hot.epoch == 0) {
    places_given = 0;
    metrics_thread = &no_place_yet;
  }
  tell_wiped(the_process->mutex);
  ::pthread_sigmask(SIG_SETMASK, &before_fork, nullptr);
}

Process* set_up() {
  void* page = wiped_pages(page_bytes());
  if (page == nullptr) throw std::bad_alloc();
  the_page = new (page) WipedPage();
  the_process = &the_page->process;
  __atomic_store_n(&metrics_process, &the_process->hot, __ATOMIC_RELEASE);
  ::pthread_atfork(prepare_fork, parent_after_fork, child_after_fork);
  return the_process;
}

// At load: a child forked while another thread is here for the first time would wait for that thread for ever. What
// fails now is tried, and reported, when a segment is opened.
[[maybe_unused]] const bool set_up_early = [] {
  try {
    process();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}();

}  // namespace

Process& process() {
  static Process* const p = set_up();
  return *p;
}

bool fork_is_wiped() noexcept { return wiped; }

void give_epoch(Process& p) noexcept {
  if (p.hot.epoch == 0) __atomic_store_n(&p.hot.epoch, ++last_epoch, __ATOMIC_RELAXED);
}

bool give_place() noexcept {
  if (metrics_thread != &no_place_yet) return metrics_thread != &no_place;
  Place* place = the_page->free_places;
  if (place != nullptr) {
    the_page->free_places = place->next_free;
    place->next_free = nullptr;  // wiped again: its first word was all that was not 0
  } else {
    place = place_at(places_given);
    if (place != nullptr) ++places_given;
  }
  metrics_thread = place == nullptr ? &no_place : &place->state;
  return place != nullptr;
}

void take_place_back(bool held) noexcept {
  metrics_thread_state* mine = metrics_thread;
  metrics_thread = &no_place;
  if (!held || mine == &no_place_yet || mine == &no_place) return;
  std::memset(static_cast<void*>(mine), 0, sizeof *mine);
  auto* place = reinterpret_cast<Place*>(mine);
  place->next_free = the_page->free_places;
  the_page->free_places = place;
}

Uncancelled::Uncancelled() noexcept { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }

Uncancelled::~Uncancelled() { ::pthread_setcancelstate(before_, nullptr); }

Quiet::Quiet() noexcept : errno_(errno) {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before_);
}

Quiet::~Quiet() {
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  errno = errno_;
}

Locked::Locked(Process& p, Wait wait) noexcept : process_(p) {
  if (wait == Wait::kAsLongAsItTakes) {
    held_ = ::pthread_mutex_lock(&p.mutex) == 0;
    return;
  }
  timespec until{};
  ::clock_gettime(kClock, &until);
  until.tv_nsec += kBoundNs;
  if (until.tv_nsec >= 1'000'000'000) {
    until.tv_nsec -= 1'000'000'000;
    ++until.tv_sec;
  }
  held_ = lock_until(p.mutex, until) == 0;
}

Locked::~Locked() {
  if (held_) ::pthread_mutex_unlock(&process_.mutex);
}

}  // namespace metrics::core
