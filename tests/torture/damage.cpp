// damage.cpp -- segments that were truncated, overwritten, forged, replaced or scribbled on.
#include "tests/torture/damage.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "aggregator/exposition/text.h"
#include "aggregator/merge.h"
#include "libmetrics/slot_report.h"
#include "metrics/metrics.hpp"
#include "tests/torture/cases.h"
#include "tests/torture/exposition.h"
#include "tests/torture/ledger.h"
#include "tests/torture/processes.h"

namespace metrics::torture {
namespace {

using layout::Header;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kEdges[] = {0,
                                    1,
                                    2,
                                    3,
                                    4,
                                    7,
                                    8,
                                    31,
                                    32,
                                    56,
                                    63,
                                    64,
                                    255,
                                    256,
                                    1023,
                                    4095,
                                    4096,
                                    4097,
                                    8192,
                                    1 << 14,
                                    1 << 16,
                                    1 << 20,
                                    (1 << 20) - 1,
                                    0x7fffffff,
                                    0x80000000,
                                    0xffffffff,
                                    1ull << 32,
                                    1ull << 40,
                                    (1ull << 46) - 4096,
                                    1ull << 46,
                                    1ull << 62,
                                    1ull << 63,
                                    ~0ull - 7,
                                    ~0ull};

void put(Image& image, std::size_t at, std::uint64_t value, std::size_t width) {
  if (at + width <= image.size()) std::memcpy(image.data() + at, &value, width);
}

const Header& header(const Image& image) { return *reinterpret_cast<const Header*>(image.data()); }

// Damages a copy of an image; where its parts are, the sound one says.
std::string damage(Image& image, const Header& sound, std::mt19937_64& random) {
  const auto below = [&](std::uint64_t n) { return random() % n; };
  const std::uint64_t edge = kEdges[below(std::size(kEdges))];
  const std::size_t directory_end = sound.slots;
  switch (below(7)) {
    case 0: {
      const std::size_t length =
          below(2) == 0 ? below(image.size()) : std::min<std::size_t>(edge, image.size());
      image.resize(length);
      return "truncated to " + std::to_string(length);
    }
    case 1: {
      const std::size_t at = below(120 / 4) * 4;
      put(image, at, edge, 4 + 4 * below(2));
      return "header at " + std::to_string(at) + " = " + std::to_string(edge);
    }
    case 2: {
      const std::size_t at = below(sizeof(Header) / 8) * 8;
      put(image, at, edge, 8);
      return "header word at " + std::to_string(at) + " = " + std::to_string(edge);
    }
    case 3: {  // in the index and the records, relative to what is there too
      const std::size_t first = sound.index;
      const std::size_t at = first + below((directory_end - first) / 4) * 4;
      std::uint64_t now = 0;
      std::memcpy(&now, image.data() + at, 4);
      put(image, at, below(2) == 0 ? edge : now + below(17) - 8, 4 + 4 * below(2));
      return "directory at " + std::to_string(at);
    }
    case 4: {
      const std::size_t at = below(image.size() / 8) * 8;
      put(image, at, edge, 8);
      return "word at " + std::to_string(at) + " = " + std::to_string(edge);
    }
    case 5: {
      const std::size_t flips = 1 + below(64);
      for (std::size_t i = 0; i < flips; ++i) {
        const std::size_t at = below(below(2) == 0 ? image.size() : directory_end);
        image[at] ^= static_cast<unsigned char>(1u << below(8));
      }
      return std::to_string(flips) + " bits flipped";
    }
    default: {  // a piece of it copied elsewhere
      const std::size_t size = 8 * (1 + below(64));
      const std::size_t from = below((image.size() - size) / 8) * 8;
      const std::size_t to = below((directory_end - size) / 8) * 8;
      std::memmove(image.data() + to, image.data() + from, size);
      return std::to_string(size) + " bytes copied from " + std::to_string(from) + " to " +
             std::to_string(to);
    }
  }
}

// What a worker does that finds such a file. It may be refused, and says why; it may never be harmed.
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

// Forged so that its parts fit together, and reading it all would take forever or more memory than there is.
struct Forgery {
  const char* what;
  std::uint64_t (*forge)(Image&);  // returns the size that the (sparse) file is to have
};

Header& mutable_header(Image& image) { return *reinterpret_cast<Header*>(image.data()); }

// A directory full of series with a thousand buckets each, and labels of that length.
std::uint64_t many_wide_series(Image& image, std::uint32_t label_bytes, bool sharing_cells) {
  constexpr std::uint64_t kBytes = 12 << 20;
  constexpr std::uint32_t kBounds = layout::kMaxBounds;
  constexpr std::uint64_t kFirst = 2 * (kBounds + 64) * 8;  // the family's record ends before
  const std::uint64_t record = (sizeof(layout::SeriesRecord) + 4 + label_bytes + 7) / 8 * 8;
  const std::uint64_t count = (kBytes - kFirst) / record;
  Header& h = mutable_header(image);
  h.cells_per_slot = sharing_cells ? kBounds + 2 : count * (kBounds + 2);
  h.slot_bytes = (h.cells_per_slot * 8 + 4095) / 4096 * 4096;
  h.cells_used = h.cells_per_slot;
  h.directory_bytes = kBytes;
  h.directory_used = kBytes;
  h.slots = h.directory + h.directory_bytes;
  h.file_bytes = h.slots + (std::uint64_t{1} + h.first_slots + h.lanes) * h.slot_bytes;
  const std::uint64_t index = h.index, family = h.directory, size = h.file_bytes;
  std::memset(image.data() + index, 0, h.index_buckets * 8);
  image.resize(family);
  image.resize(family + kBytes);
  put(image, index, family, 8);
  auto* f = reinterpret_cast<layout::FamilyRecord*>(image.data() + family);
  f->record.kind = layout::Kind::kFamily;
  f->type = layout::Type::kHistogram;
  f->label_count = 1;
  f->bound_count = kBounds;
  unsigned char* to = reinterpret_cast<unsigned char*>(f + 1);
  for (std::uint32_t i = 0; i < kBounds; ++i, to += 8) {
    const double bound = i;
    std::memcpy(to, &bound, 8);
  }
  for (const char* text : {"h", "", "", "n"}) {
    const auto bytes = static_cast<std::uint32_t>(std::strlen(text));
    std::memcpy(to, &bytes, 4);
    std::memcpy(to + 4, text, bytes);
    to += 4 + bytes;
  }
  f->record.bytes =
      static_cast<std::uint32_t>((to - image.data() - static_cast<long>(family) + 7) / 8 * 8);
  std::uint64_t last = family;
  for (std::uint64_t n = 0; n < count; ++n) {
    const std::uint64_t at = family + kFirst + n * record;
    put(image, last, at, 8);
    auto* s = reinterpret_cast<layout::SeriesRecord*>(image.data() + at);
    s->record.kind = layout::Kind::kSeries;
    s->record.bytes = static_cast<std::uint32_t>(record);
    s->family = family;
    s->first_cell = sharing_cells ? 0 : n * (kBounds + 2);
    s->cell_count = kBounds + 2;
    s->string_count = 1;
    put(image, at + sizeof *s, label_bytes, 4);
    std::memset(image.data() + at + sizeof *s + 4, 'x', label_bytes);
    const std::string label = std::to_string(10'000 + n).substr(0, label_bytes);
    std::memcpy(image.data() + at + sizeof *s + 4, label.data(), label.size());
    last = at;
  }
  return size;
}

const Forgery kForgeries[] = {
    {"a million slots, all in use",
     [](Image& image) {
       Header& h = mutable_header(image);
       h.first_slots = (1u << 20) - 1;
       h.lanes = (1u << 20) - 1;
       const std::uint64_t slots = std::uint64_t{1} + h.first_slots + h.lanes;
       const std::uint64_t heads = (slots * h.head_bytes + 4095) / 4096 * 4096;
       // The directory moves up; chains still lead to where it was, and are outside.
       h.index = h.heads + heads;
       h.directory = h.index + 4096;
       h.slots = h.directory + h.directory_bytes;
       h.file_bytes = h.slots + slots * h.slot_bytes;
       h.first_slots_used = h.first_slots;
       h.lanes_used = h.lanes;
       return h.file_bytes;
     }},
    {"a directory of terabytes, all in use",
     [](Image& image) {
       Header& h = mutable_header(image);
       h.directory_bytes = std::uint64_t{1} << 42;
       h.slots = h.directory + h.directory_bytes;
       h.file_bytes = h.slots + (std::uint64_t{1} + h.first_slots + h.lanes) * h.slot_bytes;
       h.directory_used = h.directory_bytes;
       return h.file_bytes;
     }},
    {"terabytes of index",
     [](Image& image) {
       Header& h = mutable_header(image);
       h.index_buckets = std::uint64_t{1} << 40;
       h.directory = h.index + h.index_buckets * 8;
       h.slots = h.directory + h.directory_bytes;
       h.file_bytes = h.slots + (std::uint64_t{1} + h.first_slots + h.lanes) * h.slot_bytes;
       return h.file_bytes;
     }},
    {"a series whose cells are terabytes away",
     [](Image& image) {
       Header& h = mutable_header(image);
       h.cells_per_slot = std::uint64_t{1} << 40;
       h.slot_bytes = h.cells_per_slot * 8;
       h.cells_used = h.cells_per_slot;
       h.file_bytes = h.slots + (std::uint64_t{1} + h.first_slots + h.lanes) * h.slot_bytes;
       for (std::uint64_t at = h.directory; at + 56 <= h.directory + h.directory_used;) {
         auto* r = reinterpret_cast<layout::SeriesRecord*>(image.data() + at);
         if (r->record.kind == layout::Kind::kSeries) {
           r->first_cell = h.cells_per_slot - r->cell_count;
         }
         at += std::max<std::uint32_t>(r->record.bytes, 32);
       }
       return h.file_bytes;
     }},
    {"heads of a page each",
     [](Image& image) {
       Header& h = mutable_header(image);
       h.head_bytes = 4096;
       h.first_slots = (1u << 20) - 1;
       const std::uint64_t slots = std::uint64_t{1} + h.first_slots + h.lanes;
       h.index = h.heads + slots * h.head_bytes;
       h.directory = h.index + 4096;
       h.slots = h.directory + h.directory_bytes;
       h.file_bytes = h.slots + slots * h.slot_bytes;
       h.first_slots_used = h.first_slots;
       return h.file_bytes;
     }},
    {"every chain leading to one huge family",
     [](Image& image) {
       Header& h = mutable_header(image);
       constexpr std::uint64_t kIndex = 1 << 20;
       constexpr std::uint64_t kRecord = 1 << 20;
       h.index_buckets = kIndex;
       h.directory = h.index + kIndex * 8;
       h.directory_bytes = 64 << 20;
       h.directory_used = 2 * kRecord;
       h.slots = h.directory + h.directory_bytes;
       h.file_bytes = h.slots + (std::uint64_t{1} + h.first_slots + h.lanes) * h.slot_bytes;
       const std::uint64_t index = h.index, directory = h.directory, size = h.file_bytes;
       image.resize(directory + 2 * kRecord);
       for (std::uint64_t i = 0; i < kIndex; ++i) put(image, index + i * 8, directory, 8);
       std::memset(image.data() + directory, 0, kRecord);
       auto* r = reinterpret_cast<layout::FamilyRecord*>(image.data() + directory);
       r->record.bytes = kRecord;
       r->record.kind = layout::Kind::kFamily;
       r->type = layout::Type::kCounter;
       r->label_count = 60;
       unsigned char* at = reinterpret_cast<unsigned char*>(r + 1);
       const auto text = [&](std::uint32_t bytes, unsigned char first, unsigned char second) {
         std::memcpy(at, &bytes, 4);
         std::memset(at + 4, 'x', bytes);
         if (bytes > 1) at[4] = first, at[5] = second;
         at += 4 + bytes;
       };
       text(4, 'f', 'f');
       text(0, 0, 0);
       text(0, 0, 0);
       for (unsigned i = 0; i < 60; ++i) {
         text(16 * 1024, static_cast<unsigned char>('a' + i / 20),
              static_cast<unsigned char>('a' + i % 20));
       }
       return size;
     }},
    {"many series that share their cells",
     [](Image& image) { return many_wide_series(image, 5, true); }},
    {"labels so long that a few megabytes make gigabytes of text",
     [](Image& image) { return many_wide_series(image, 16 * 1024, false); }},
};

void forge(Run& run, const Image& healthy) {
  for (const Forgery& forgery : kForgeries) {
    const std::string file = run.fresh_path() + ".v1";
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
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
          constexpr rlim_t kEnough = 512 << 20;
          const rlimit limit{kEnough, kEnough};
          ::setrlimit(RLIMIT_AS, &limit);
#endif
          const std::string fault = read_damaged(file);
          if (!fault.empty()) throw std::runtime_error(fault);
        },
        seconds(10));
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
  const std::string file = path + ".v1";
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
  mutable_header(image).major = layout::kMajor + 1;
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

// While a reader reads and merges on, its segment is scribbled on, truncated, replaced, deleted.
void scribble(Run& run, const Image& healthy, Clock::time_point until) {
  const std::string file = run.fresh_path() + ".v1";
  write_image(file, healthy);
  const pid_t vandal = start([&, seed = run.random()] {
    std::mt19937_64 random(seed);
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
  const auto status = run_child(
      [&] {
        aggregator::SegmentMerge merge(file);
        aggregator::TextEncoder encoder;
        std::uint64_t reads = 0;
        while (Clock::now() < until) {
          ++reads;
          if (!merge.read()) continue;
          std::string text;
          encoder.encode(merge.families(), text);
          core::slot_report(merge.reader());
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

}  // namespace

Image healthy_image(const std::string& path) {
  const auto status = run_child([&] {
    const Segment segment(path, {3, 3, 256, 8192});
    const Family<Counter> whole("whole", "Whole \"quoted\" \\ numbers.\nTwo lines.", {"key"},
                                {.segment = segment});
    const Family<Histogram> histogram("some_seconds", "Buckets.", {"key", "other"},
                                      {.bounds = {0.5, 1, 2.5}, .segment = segment});
    const Family<Summary> summary("a_summary", "", {}, {.segment = segment});
    info("build", "Facts.", {{"version", "1"}, {"commit", "x\"y"}}, segment);
    std::vector<metrics::Gauge> gauges;
    for (int mode = METRICS_ALL; mode <= METRICS_LIVEMOSTRECENT; ++mode) {
      gauges.push_back(Family<metrics::Gauge>("g" + std::to_string(mode), "", {},
                                              {.mode = static_cast<Mode>(mode), .segment = segment})
                           .labels());
    }
    const auto work = [&] {
      for (const char* key : {"a", "b", "\xc3\xa4"}) {
        whole.labels(key).inc(3);
        whole.labels(key).inc(0.5);
        histogram.labels(key, "x").observe(0.7);
        summary.labels().observe(2);
      }
      for (metrics::Gauge& gauge : gauges) gauge.set(7);
    };
    work();
    std::thread(work).join();
    if (!well(run_child(work))) throw std::runtime_error("a worker of the healthy segment failed");
    whole.labels("removed").inc();
    Family<Counter>(whole).remove({"removed"});
  });
  if (!well(status)) throw std::runtime_error("no healthy segment could be made");
  const std::string file = path + ".v1";
  Image image(std::filesystem::file_size(file));
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  const bool whole = ::read(fd, image.data(), image.size()) == static_cast<ssize_t>(image.size());
  ::close(fd);
  std::filesystem::remove(file);
  if (!whole) throw std::runtime_error("the healthy segment could not be copied");
  return image;
}

void write_image(const std::string& file, const Image& image) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool whole =
      fd >= 0 && ::write(fd, image.data(), image.size()) == static_cast<ssize_t>(image.size());
  ::close(fd);
  if (!whole) throw std::runtime_error("can't write " + file);
}

std::string read_damaged(const std::string& file, bool* readable) {
  try {
    aggregator::SegmentMerge merge(file);
    const bool read = merge.read();
    if (readable != nullptr) *readable = read;
    if (!read) return merge.why().empty() ? "unusable, but nobody says why" : "";
    core::slot_report(merge.reader());
    std::string text;
    aggregator::TextEncoder encoder;
    encoder.encode(merge.families(), text);
    return Exposition(text).fault();
  } catch (const std::exception& e) {
    return std::string("threw ") + e.what();
  }
}

void damaged_segments(Run& run) {
  const Image healthy = healthy_image(run.fresh_path());
  {
    const std::string file = run.fresh_path() + ".v1";
    write_image(file, healthy);
    bool readable = false;
    const std::string fault = read_damaged(file, &readable);
    run.check(readable && fault.empty(), "the healthy segment can't be read: " + fault);
  }
  const auto until = run.share(2);
  // Batches in a child, which says what it is at: a crash is a fault that can be replayed.
  struct At {
    std::atomic<std::uint64_t> images, readable;
    char what[256];
  };
  auto& at = shared<At>();
  while (Clock::now() < until && !run.hopeless()) {
    const std::uint64_t seed = run.random();
    const bool as_worker = run.below(4) == 0;
    const std::string path = run.fresh_path();
    const auto begin = Clock::now();
    const auto status = run_child(
        [&] {
          std::mt19937_64 random(seed);
          // A worker in each child: a process joins sixteen segments at most, for good.
          for (unsigned n = 0; n < (as_worker ? 1 : 200); ++n) {
            Image image = healthy;
            std::string what = damage(image, header(healthy), random);
            if (random() % 3 == 0 && image.size() == healthy.size())
              what += "; " + damage(image, header(healthy), random);
            std::snprintf(at.what, sizeof at.what, "%s", what.c_str());
            write_image(path + ".v1", image);
            if (as_worker) {
              // What maps a file that is shorter than it says would be harmed: it must be refused.
              work_on(path);
            }
            bool readable = false;
            const std::string fault = read_damaged(path + ".v1", &readable);
            ++at.images;
            if (readable) ++at.readable;
            if (!fault.empty()) throw std::runtime_error(what + ": " + fault);
          }
        },
        seconds(30));
    run.check(well(status), std::string(as_worker ? "a worker" : "a reader") +
                                " on a damaged segment (" + at.what + "): " + to_text(status));
    run.check(Clock::now() - begin < seconds(20), std::string("slow: ") + at.what);
    std::filesystem::remove(path + ".v1");
  }
  run.count("damaged segments", at.images);
  run.count("  that could still be read in part", at.readable);
  scribble(run, healthy, run.share(4));
  impostors(run, healthy);
  forge(run, healthy);
}

}  // namespace metrics::torture
