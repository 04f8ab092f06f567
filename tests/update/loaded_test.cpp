// The library in a program that loads it late, or unloads what it is a part of. The program itself
// is not linked with it, and stands in for malloc().
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "libmetrics/reader/merge.h"
#include "metrics/metrics.h"
#include "tests/support/gate.h"

extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
}

namespace {

// How often this thread has allocated while it was watched.
thread_local bool watched __attribute__((tls_model("initial-exec"))) = false;
thread_local unsigned allocations __attribute__((tls_model("initial-exec"))) = 0;

}  // namespace

extern "C" void* malloc(std::size_t bytes) {
  if (watched) ++allocations;
  return __libc_malloc(bytes);
}

extern "C" void* calloc(std::size_t count, std::size_t bytes) {
  if (watched) ++allocations;
  return __libc_calloc(count, bytes);
}

namespace metrics::test {
namespace {

class Directory {
 public:
  Directory() {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp");
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { std::filesystem::remove_all(path_); }
  std::string segment() const { return path_ + "/segment"; }

 private:
  std::string path_ = "/dev/shm/metrics-test-XXXXXX";
};

// Merges the segment and returns its only counter's value.
std::uint64_t counted(const std::string& segment, reader::Usage* usage = nullptr) {
  reader::SegmentMerge merge(segment + ".v2");
  if (!merge.read()) throw std::runtime_error(merge.why());
  if (usage != nullptr) *usage = merge.reader().usage();
  const reader::Families& families = merge.families();
  return families.counter(families.families.at(0).series.at(0)).whole;
}

// The library, loaded when the program has used up the keys whose values take no memory.
class LateLibrary {
 public:
  LateLibrary() {
    for (int i = 0; i < 40; ++i) {
      pthread_key_t key = 0;
      EXPECT_EQ(::pthread_key_create(&key, nullptr), 0);
    }
    handle_ = ::dlopen(LIBMETRICS, RTLD_NOW);
    if (handle_ == nullptr) throw std::runtime_error(::dlerror());
  }
  template <class Function>
  Function* function(const char* name) const {
    return reinterpret_cast<Function*>(::dlsym(handle_, name));
  }

 private:
  void* handle_;
};

// Returns the only counter of a new segment with two lanes.
metrics_counter* counter_in(const Directory& directory, const LateLibrary& library) {
  const metrics_geometry geometry = {sizeof geometry, 1, 2, 4096, 64 * 1024};
  metrics_segment* segment = nullptr;
  metrics_family* family = nullptr;
  metrics_counter* counter = nullptr;
  EXPECT_EQ(library.function<decltype(metrics_open)>("metrics_open")(directory.segment().c_str(),
                                                                     &geometry, &segment),
            METRICS_OK);
  EXPECT_EQ(library.function<decltype(metrics_family_of)>("metrics_family_of")(
                segment, METRICS_COUNTER, "tasks", "", nullptr, 0, nullptr, &family),
            METRICS_OK);
  EXPECT_EQ(library.function<decltype(metrics_counter_labels)>("metrics_counter_labels")(
                family, nullptr, 0, &counter),
            METRICS_OK);
  return counter;
}

// Many threads one after the other, and two at a time.
TEST(LoadedLate, AThreadsFirstUpdateAllocatesNothingAndItsSlotIsGivenBack) {
  const Directory directory;
  const LateLibrary library;
  metrics_counter* const counter = counter_in(directory, library);
  const auto inc = library.function<decltype(metrics_counter_inc)>("metrics_counter_inc");
  const auto count = [&] {
    watched = true;
    inc(counter, 1);
    watched = false;
    EXPECT_EQ(allocations, 0u);
  };
  constexpr unsigned kThreads = 100;
  for (unsigned i = 0; i < kThreads; ++i) {
    Gate counted_once;
    std::thread first([&] {
      count();
      counted_once.pass();
    });
    std::thread second(count);
    second.join();
    counted_once.let_pass();
    first.join();
  }
  reader::Usage usage{};
  EXPECT_EQ(counted(directory.segment(), &usage), 2 * kThreads);
  EXPECT_LE(usage.lanes_used, 2u);
  EXPECT_EQ(usage.dropped[static_cast<std::size_t>(format::Drop::kLanesExhausted)], 0u);
}

using Inc = decltype(metrics_counter_inc);

// In a function of its own: a child of vfork() may not return from where it was made.
[[gnu::noinline]] pid_t vforked(Inc* inc, metrics_counter* counter) {
  const pid_t child = ::vfork();
  if (child == 0) {
    inc(counter, 1);
    ::_exit(0);
  }
  return child;
}

TEST(LoadedLate, AThreadKeepsTheSlotThatItsVforkedChildHasClaimed) {
  const Directory directory;
  const LateLibrary library;
  metrics_counter* const counter = counter_in(directory, library);
  const auto inc = library.function<Inc>("metrics_counter_inc");
  int status = 0;
  const pid_t child = vforked(inc, counter);
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  std::thread([&] { inc(counter, 1); }).join();
  inc(counter, 1);
  reader::Usage usage{};
  EXPECT_EQ(counted(directory.segment(), &usage), 3u);
  EXPECT_EQ(usage.lanes_used, 1u) << "the other thread has one of its own";
}

TEST(Unloaded, AModuleWithTheStaticLibraryLeavesItsThreadsAndForksIntact) {
  const Directory directory;
  void* module = ::dlopen(LOADED_MODULE, RTLD_NOW);
  ASSERT_NE(module, nullptr) << ::dlerror();
  const auto count_in = reinterpret_cast<void (*)(const char*)>(::dlsym(module, "count_in"));
  Gate counted_once, unloaded;
  std::thread thread([&] {
    count_in(directory.segment().c_str());
    counted_once.let_pass();
    unloaded.pass();
  });
  counted_once.pass();
  EXPECT_EQ(::dlclose(module), 0);
  unloaded.let_pass();
  thread.join();  // its end gives its slot back
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(counted(directory.segment()), 1u);
}

}  // namespace
}  // namespace metrics::test
