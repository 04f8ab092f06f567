// damaged.cpp -- segments that were truncated, overwritten, forged, replaced or scribbled on.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <thread>

#include "aggregator/exposition/text.h"
#include "libmetrics/reader/merge.h"
#include "libmetrics/reader/slot_report.h"
#include "metrics/metrics.hpp"
#include "tests/support/shared_memory.h"
#include "tests/torture/cases.h"
#include "tests/torture/damage.h"
#include "tests/torture/exposition.h"
#include "tests/torture/forgeries.h"
#include "tests/torture/image.h"
#include "tests/torture/processes.h"
#include "tests/torture/read_damaged.h"

namespace metrics::torture {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// What a worker does that finds such a file. It may be refused, and says why; it may never be
// harmed.
void work_on(const std::string& path) {
  const Segment segment(path);
  const Family<Counter> whole("whole", "Whole.", {"key"}, {.segment = segment});
  const Family<metrics::Gauge> gauge("a_gauge", "", {}, {.mode = Mode::kMax, .segment = segment});
  const Family<Histogram> fresh("fresh", "", {"key"}, {.segment = segment});
  for (const char* key : {"a", "b", "new"}) {
    whole.labels(key).inc();
    fresh.labels(key).observe(1);
  }
  gauge.labels().set(4);
  std::thread([&] { whole.labels("a").inc(); }).join();
}

void forge(Run& run, const Image& healthy) {
  for (const Forgery& forgery : forgeries()) {
    const std::string file = run.fresh_path() + ".v2";
    Image image = healthy;
    const std::uint64_t size = forgery.forge(image);
    write_image(file, image);
    if (::truncate(file.c_str(), static_cast<off_t>(size)) != 0) {
      run.skip(std::string(forgery.what) + ": no such file can be made");
      continue;
    }
    const auto begin = Clock::now();
    const auto status = run_child(
        [&] {
          constexpr rlim_t kEnough = 512 << 20;
          const rlimit limit{kEnough, kEnough};
          if (watched_by().empty())
            ::setrlimit(RLIMIT_AS, &limit);  // shadow memory is addresses too
          const std::string fault = read_damaged(file);
          if (!fault.empty()) throw std::runtime_error(fault);
        },
        seconds(watched_by().empty() ? 10 : 60));
    const std::chrono::duration<double> taken = Clock::now() - begin;
    run.check(well(status), std::string("forged, ") + forgery.what + ": reader " + to_text(status) +
                                " after " + std::to_string(taken.count()) + " s");
    run.count("forged segments");
    if (taken > seconds(1))
      run.count(std::string("  milliseconds for ") + forgery.what,
                static_cast<std::uint64_t>(taken.count() * 1000));
    std::filesystem::remove(file);
  }
}

// Other things in a segment's place.
void impostors(Run& run, const Image& healthy) {
  const std::string path = run.fresh_path();
  const std::string file = path + ".v2";
  const auto expect_refused = [&](const char* what) {
    bool readable = true;
    const std::string fault = read_damaged(file, &readable);
    run.check(fault.empty() && !readable, std::string(what) + " was read; " + fault);
    const auto status = run_child([&] {
      const Segment segment(path);
      if (segment.status() == METRICS_OK)
        throw std::runtime_error(std::string(what) + " was joined");
      Family<Counter>("c", "", {}, {.segment = segment}).labels().inc();
    });
    run.check(well(status), std::string("a worker that finds ") + what + ": " + to_text(status));
    run.count("impostors");
  };
  if (::mkfifo(file.c_str(), 0600) == 0) expect_refused("a FIFO");
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  expect_refused("a directory");
  std::filesystem::remove(file);
  const std::string other = run.fresh_path();
  write_image(other, healthy);
  std::filesystem::create_symlink(other, file);
  expect_refused("a symbolic link");
  std::filesystem::remove(file);
  write_image(file, {});
  expect_refused("an empty file");
  write_image(file, Image(100'000, 'x'));
  expect_refused("another file");
  std::filesystem::remove(file);
  std::filesystem::create_symlink("/dev/zero", file);
  expect_refused("a device");
  std::filesystem::remove(file);
  Image image = healthy;
  mutable_header(image).major = format::kMajor + 1;
  write_image(file, image);
  expect_refused("another major version");
  write_image(file, healthy);
  ::chmod(file.c_str(), 0666);
  const auto status = run_child([&] {
    if (Segment(path).status() != METRICS_NO_PERMISSION) throw std::runtime_error("was joined");
  });
  run.check(well(status), "a segment that anybody may write: " + to_text(status));
  if (::geteuid() == 0) {
    ::chmod(file.c_str(), 0600);
    if (::chown(file.c_str(), 12345, 0) == 0) {
      const auto foreign = run_child([&] {
        if (Segment(path).status() != METRICS_NO_PERMISSION) throw std::runtime_error("was joined");
      });
      run.check(well(foreign), "a segment of another user: " + to_text(foreign));
    }
  }
  run.count("impostors", 2);
}

// Scribbles on it, truncates, replaces and deletes it, without end.
pid_t vandalise(const std::string& file, const Image& healthy, std::uint64_t from) {
  return start([&] {
    std::mt19937_64 random(from);
    for (std::uint64_t n = 0;; ++n) {
      if (n % 256 == 0) {
        const std::string fresh = file + "x";
        write_image(fresh, healthy);
        std::filesystem::rename(fresh, file);
      } else if (n % 256 == 128) {
        std::filesystem::remove(file);
      } else if (const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600); fd >= 0) {
        const std::uint64_t value =
            random() % 2 == 0 ? kEdges[random() % std::size(kEdges)] : random();
        const auto at = static_cast<off_t>(random() % healthy.size() / 8 * 8);
        const auto piece = static_cast<std::size_t>(at);
        if (random() % 3 == 0) {
          // Mostly mended again, so that there is something to damage.
          static_cast<void>(!::pwrite(fd, healthy.data(), healthy.size(), 0));
        } else if (random() % 16 == 0) {
          static_cast<void>(!::ftruncate(fd, at));
        } else if (random() % 2 == 0 && piece + 512 <= healthy.size()) {
          static_cast<void>(
              !::pwrite(fd, healthy.data() + random() % (healthy.size() - 512), 512, at));
        } else {
          static_cast<void>(!::pwrite(fd, &value, sizeof value, at));
        }
        ::close(fd);
      }
    }
  });
}

// While a reader reads and merges on, its segment is scribbled on, truncated, replaced, deleted.
void scribble(Run& run, const Image& healthy, Clock::time_point until) {
  const std::string file = run.fresh_path() + ".v2";
  write_image(file, healthy);
  const pid_t vandal = vandalise(file, healthy, run.random());
  const auto status = run_child(
      [&] {
        reader::SegmentMerge merge(file);
        exposition::TextEncoder encoder;
        std::uint64_t reads = 0;
        while (Clock::now() < until) {
          ++reads;
          if (!merge.read() || !merge.read_exemplars()) continue;
          std::string text;
          encoder.encode(merge.families(), text);
          reader::slot_report(merge.reader());
          const Exposition read(text);
          if (!read.fault().empty()) throw std::runtime_error(read.fault());
        }
        std::printf("  %12llu  reads while somebody scribbled\n",
                    static_cast<unsigned long long>(reads));
      },
      std::chrono::duration_cast<milliseconds>(until - Clock::now()) + seconds(30));
  kill_and_reap(vandal);
  run.check(well(status), "reading while somebody scribbles: " + to_text(status));
}

// The inspector on such a file: it tells (0), or tells what is wrong (1).
void inspect_meanwhile(Run& run, const Image& healthy, Clock::time_point until) {
  const std::string path = run.fresh_path();
  write_image(path + ".v2", healthy);
  const pid_t vandal = vandalise(path + ".v2", healthy, run.random());
  const char* commands[] = {"ls", "slots", "dump", "verify", "expose"};
  for (unsigned n = 0; n < std::size(commands) || Clock::now() < until; ++n) {
    const char* command = commands[n % std::size(commands)];
    const auto status = run_child([&] {
      const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
      ::dup2(nowhere, STDOUT_FILENO);
      ::dup2(nowhere, STDERR_FILENO);
      ::execl(TORTURE_INSPECTOR, TORTURE_INSPECTOR, "--segment", path.c_str(), command, nullptr);
      ::_exit(81);
    });
    run.check(status && WIFEXITED(*status) && WEXITSTATUS(*status) <= 1,
              std::string("metrics-inspect ") + command + ": " + to_text(status));
    run.count("runs of the inspector while somebody scribbled");
  }
  kill_and_reap(vandal);
}

}  // namespace

void damaged_segments(Run& run) {
  const Image healthy = healthy_image(run.fresh_path());
  {
    const std::string file = run.fresh_path() + ".v2";
    write_image(file, healthy);
    bool readable = false;
    const std::string fault = read_damaged(file, &readable);
    run.check(readable && fault.empty(), "the healthy segment can't be read: " + fault);
  }
  // Batches in a child, which says what it is at: a crash is a fault that can be replayed.
  struct At {
    std::atomic<std::uint64_t> images, readable;
    char what[256];
  };
  auto& at = test::shared<At>();
  const auto read = [&at](const std::string& path, const Image& image, const std::string& what,
                          bool as_worker) {
    std::snprintf(at.what, sizeof at.what, "%s", what.c_str());
    write_image(path + ".v2", image);
    // What maps a file that is shorter than it says would be harmed: it must be refused.
    if (as_worker) work_on(path);
    bool readable = false;
    const std::string fault = read_damaged(path + ".v2", &readable);
    ++at.images;
    if (readable) ++at.readable;
    if (!fault.empty()) throw std::runtime_error(what + ": " + fault);
  };
  const auto batch = [&](bool as_worker, const std::function<void(const std::string&)>& body) {
    const std::string path = run.fresh_path();
    const auto begin = Clock::now();
    const auto status = run_child([&] { body(path); }, seconds(30));
    run.check(well(status), std::string(as_worker ? "a worker" : "a reader") +
                                " on a damaged segment (" + at.what + "): " + to_text(status));
    run.check(Clock::now() - begin < seconds(20), std::string("slow: ") + at.what);
    std::filesystem::remove(path + ".v2");
  };

  constexpr std::size_t kBatch = 200;
  const Damages damages(healthy);
  std::vector<std::size_t> order(damages.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::shuffle(order.begin(), order.end(), run.random);
  auto until = run.share(3);
  std::size_t done = 0;
  while (done < order.size() && Clock::now() < until && !run.hopeless()) {
    const std::size_t end = std::min(done + kBatch, order.size());
    batch(false, [&](const std::string& path) {
      for (std::string what; done < end; ++done) {
        const Image image = damages.at(order[done], what);
        read(path, image, what, false);
      }
    });
    done = end;
  }
  run.count("of " + std::to_string(order.size()) + " lengths and words set to edge values", done);

  until = run.share(3);
  while (Clock::now() < until && !run.hopeless()) {
    const bool as_worker = run.below(4) == 0;
    batch(as_worker, [&, seed = run.random()](const std::string& path) {
      std::mt19937_64 random(seed);
      // A worker in each child: a process joins sixteen segments at most, for good.
      for (std::size_t n = 0; n < (as_worker ? 1 : kBatch); ++n) {
        Image image = healthy;
        std::string what = damage(image, header(healthy), random);
        if (random() % 3 == 0 && image.size() == healthy.size()) {
          what += "; " + damage(image, header(healthy), random);
        }
        read(path, image, what, as_worker);
      }
    });
  }
  run.count("damaged segments, those included", at.images);
  run.count("  that could still be read in part", at.readable);
  scribble(run, healthy, run.share(6));
  inspect_meanwhile(run, healthy, run.share(6));
  impostors(run, healthy);
  forge(run, healthy);
}

}  // namespace metrics::torture
