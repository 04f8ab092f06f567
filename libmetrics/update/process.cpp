#include "libmetrics/update/process.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <new>

#include "libmetrics/format/file.h"
#include "libmetrics/update/locked.h"

namespace {

// Targets of metrics_thread for threads without a place: not tried yet; none available, or already
// returned. No thread writes to them.
metrics_thread_state no_place_yet = {{}, 0, 0};
metrics_thread_state no_place = {{}, ~std::uint64_t{0}, 0};
// The target of metrics_process before the process's state is set up.
metrics_process_state nobody = {0};

}  // namespace

extern "C" {
__thread metrics_thread_state* metrics_thread = &no_place_yet;
metrics_process_state* metrics_process = &nobody;
}

namespace metrics::update {
namespace {

std::atomic<bool> wiped{false};  // decided by the first page; all others must be like it
std::uint64_t last_epoch = 0;    // in ordinary memory: a child goes on from its parent's

// The places of threads. The first ones stand beside the process's state, the others in chunks that
// live as long as the process; each chunk has twice as many pages as the one before. places_given
// is in ordinary memory, so that a child forked by raw clone() goes on after the places that it has
// inherited and gives none of them to a second thread. The list of free places is in wiped memory,
// so that child forgets it. Both are guarded by the mutex. Each change to them is one store, since
// another thread may clone() the process after any of them.
union Place {
  ThreadPlace thread;
  Place* next_free;  // valid while no thread has this place
};
constexpr std::size_t kFirstPlaces =
    (format::kPage - sizeof(Process) - sizeof(void*)) / sizeof(Place);
struct WipedPage {
  Process process;
  Place* free_places;
  std::array<Place, kFirstPlaces> first_places;
};
static_assert(sizeof(WipedPage) <= format::kPage, "wiped as one page");

std::atomic<WipedPage*> the_page{nullptr};  // never changes once it is set
constexpr std::size_t kChunks = 20;
std::array<Place*, kChunks> chunks{};
// Places 0..places_given-1, counted through the page and the chunks, have been given to a thread at
// some time.
std::size_t places_given = 0;

// True once handles are used that were not asked for under an interpreter's lock.
std::atomic<bool> any_without_lock{false};

std::size_t places_in(std::size_t chunk) noexcept {
  return (format::page_bytes() << chunk) / sizeof(Place);
}

// Maps zeroed private pages that fork() zeroes again in the child; nullptr on failure.
void* wiped_pages(std::size_t bytes) noexcept {
  void* pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return nullptr;
  const bool will_be_wiped = ::madvise(pages, bytes, MADV_WIPEONFORK) == 0;
  if (the_page.load(std::memory_order_relaxed) == nullptr) wiped = will_be_wiped;
  if (will_be_wiped == wiped) return pages;
  ::munmap(pages, bytes);  // madvise() ran out of mappings, now or for the first page
  return nullptr;
}

WipedPage& page() noexcept {
  return *the_page.load(std::memory_order_acquire);  // pairs with set_up_process()'s release
}

Place* place_at(std::size_t index) noexcept {
  if (index < kFirstPlaces) return &page().first_places[index];
  index -= kFirstPlaces;
  for (std::size_t chunk = 0; chunk < kChunks; ++chunk) {
    if (index < places_in(chunk)) {
      if (chunks[chunk] == nullptr) {
        chunks[chunk] = static_cast<Place*>(wiped_pages(format::page_bytes() << chunk));
      }
      return chunks[chunk] == nullptr ? nullptr : chunks[chunk] + index;
    }
    index -= places_in(chunk);
  }
  return nullptr;
}

void free_place(ThreadPlace& thread) noexcept {
  std::memset(static_cast<void*>(&thread), 0, sizeof thread);
  auto* place = reinterpret_cast<Place*>(&thread);
  place->next_free = page().free_places;
  page().free_places = place;
}

// Hold the mutex around fork(), so that the child inherits complete families and tables.
void prepare_fork() { hold_for_fork(process().mutex); }
void parent_after_fork() { release_after_fork(process().mutex, false); }
void child_after_fork() {
  if (!wiped) {
    std::memset(static_cast<void*>(&page()), 0, format::page_bytes());
    for (std::size_t i = 0; i < kChunks; ++i) {
      if (chunks[i] != nullptr)
        std::memset(static_cast<void*>(chunks[i]), 0, format::page_bytes() << i);
    }
  }
  // This is the child's only thread, so no place that was given still belongs to a thread. But if
  // the process has an epoch, another handler of the child has updated already and has a place.
  if (process().hot.epoch == 0) {
    places_given = 0;
    metrics_thread = &no_place_yet;
  }
  process().pid.store(::getpid(), std::memory_order_relaxed);
  release_after_fork(process().mutex, true);  // the kernel has wiped it, or the code above
}

// Keeps the object that this code is part of loaded until the process ends: libmetrics.so is linked
// so, but a program's module may have libmetrics.a in it. Fork handlers, the thread key's
// destructor and threads' updates would find no code after dlclose().
void stay_loaded() noexcept {
  Dl_info here{};
  if (::dladdr(&the_page, &here) == 0) return;
  // Fails for the program itself, which stays anyway.
  [[maybe_unused]] void* handle = ::dlopen(here.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

// Runs when the library is loaded: a child forked while another thread is in here for the first
// time would wait for that thread forever. If it fails now, the first metrics_open() tries again
// and reports the failure.
[[maybe_unused]] const bool set_up_early = set_up_process();

}  // namespace

// In ordinary memory, as what was led nowhere is: a child goes on from its parent's.
std::atomic<std::uint64_t> looks{1};
__thread bool under_lock __attribute__((tls_model("initial-exec"))) = false;

bool set_up_process() noexcept {
  if (the_page.load(std::memory_order_acquire) != nullptr) return true;
  void* pages = wiped_pages(format::page_bytes());
  if (pages == nullptr) return false;
  auto* mine = new (pages) WipedPage();
  WipedPage* there = nullptr;
  // Release pairs with page()'s acquire; acquire, with the release of a thread that was first.
  if (!the_page.compare_exchange_strong(there, mine, std::memory_order_acq_rel,
                                        std::memory_order_acquire)) {
    ::munmap(pages, format::page_bytes());  // another thread was first
    return true;
  }
  mine->process.pid.store(::getpid(), std::memory_order_relaxed);
  __atomic_store_n(&metrics_process, &mine->process.hot, __ATOMIC_RELEASE);
  stay_loaded();
  ::pthread_atfork(prepare_fork, parent_after_fork, child_after_fork);
  return true;
}

Process& process() noexcept { return page().process; }

bool fork_is_wiped() noexcept { return wiped; }

void enter(Process& p) noexcept {
  if (p.hot.epoch == 0) __atomic_store_n(&p.hot.epoch, ++last_epoch, __ATOMIC_RELAXED);
  if (p.pid.load(std::memory_order_relaxed) == 0) {
    p.pid.store(::getpid(), std::memory_order_relaxed);
  }
}

pid_t own_pid() noexcept {
  const pid_t known = process().pid.load(std::memory_order_relaxed);
  return known != 0 ? known : ::getpid();
}

ThreadPlace* own_place() noexcept {
  const bool none = metrics_thread == &no_place_yet || metrics_thread == &no_place;
  return none ? nullptr : reinterpret_cast<ThreadPlace*>(metrics_thread);
}

ThreadPlace* give_place() noexcept {
  if (metrics_thread != &no_place_yet) return own_place();
  Place* place = page().free_places;
  if (place != nullptr) {
    page().free_places = place->next_free;
    place->next_free = nullptr;  // now all zeros again: only this first word was not 0
  } else {
    place = place_at(places_given);
    if (place != nullptr) ++places_given;
  }
  if (place != nullptr) {
    __atomic_store_n(&place->thread.hot.seen, looks.load(std::memory_order_relaxed),
                     __ATOMIC_RELEASE);
  }
  metrics_thread = place == nullptr ? &no_place : &place->thread.hot;
  return own_place();
}

void take_place_back(bool held) noexcept {
  ThreadPlace* mine = own_place();
  metrics_thread = &no_place;
  if (held && mine != nullptr) free_place(*mine);
}

std::uint64_t next_look() noexcept {
  // Release: a thread that has seen this look finds what was led nowhere before it.
  return looks.fetch_add(1, std::memory_order_release) + 1;
}

bool all_seen(std::uint64_t look) noexcept {
  if (!any_without_lock.load(std::memory_order_relaxed)) return true;
  // A change by nothing, of the word that Inside changes: either this one comes later and finds the
  // update, or that one acquires what is released here, and finds the handle led nowhere.
  if (process().inside.fetch_add(0, std::memory_order_acq_rel) != 0) return false;
  for (std::size_t i = 0; i < places_given; ++i) {
    const Place* place = place_at(i);
    if (place == nullptr) continue;
    const std::uint64_t seen = __atomic_load_n(&place->thread.hot.seen, __ATOMIC_ACQUIRE);
    if (seen != 0 && seen < look) return false;
  }
  return true;
}

// Another thread of a new child may give it its epoch at this moment.
Inside::Inside() noexcept : epoch_(__atomic_load_n(&process().hot.epoch, __ATOMIC_RELAXED)) {
  process().inside.fetch_add(1, std::memory_order_acq_rel);  // pairs with all_seen()'s
}

Inside::~Inside() {
  const std::uint64_t now = __atomic_load_n(&process().hot.epoch, __ATOMIC_RELAXED);
  if (epoch_ != 0 && now != epoch_) return;
  // In a child that was forked meanwhile, and has no epoch yet, none is counted any more.
  std::atomic<std::uint32_t>& inside = process().inside;
  std::uint32_t count = inside.load(std::memory_order_relaxed);
  while (count != 0 && !inside.compare_exchange_weak(count, count - 1, std::memory_order_release,
                                                     std::memory_order_relaxed)) {
  }
}

void note_caller() noexcept {
  if (!under_lock) any_without_lock.store(true, std::memory_order_relaxed);
}

void take_back_untracked(void (*give_back)(ThreadPlace&)) noexcept {
  // In a vfork() child, whose memory is its parent's, the parent's threads would seem to be gone.
  if (page().free_places != nullptr || ::getpid() != own_pid()) return;
  for (std::size_t i = 0; i < places_given; ++i) {
    Place* place = place_at(i);
    if (place == nullptr) return;
    const pid_t thread = place->thread.untracked;
    // An id that another thread has by now is late to be taken back, never wrong.
    if (thread == 0 || ::tgkill(::getpid(), thread, 0) == 0 || errno != ESRCH) continue;
    give_back(place->thread);
    free_place(place->thread);
  }
}

}  // namespace metrics::update
