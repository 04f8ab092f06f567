#include "tests/torture/damage.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "aggregator/exposition/text.h"
#include "libmetrics/reader/merge.h"
#include "libmetrics/reader/slot_report.h"
#include "metrics/metrics.hpp"
#include "tests/torture/exposition.h"
#include "tests/torture/ledger.h"
#include "tests/torture/processes.h"

namespace metrics::torture {
namespace {

using format::Header;

void put(Image& image, std::size_t at, std::uint64_t value, std::size_t width) {
  if (at + width <= image.size()) std::memcpy(image.data() + at, &value, width);
}

// A directory full of series with a thousand buckets each, and labels of that length.
std::uint64_t many_wide_series(Image& image, std::uint32_t label_bytes, bool sharing_cells) {
  constexpr std::uint64_t kBytes = 12 << 20;
  constexpr std::uint32_t kBounds = format::kMaxBounds;
  constexpr std::uint64_t kFirst = 2 * (kBounds + 64) * 8;  // the family's record ends before
  const std::uint64_t record = (sizeof(format::SeriesRecord) + 4 + label_bytes + 7) / 8 * 8;
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
  auto* f = reinterpret_cast<format::FamilyRecord*>(image.data() + family);
  f->record.kind = format::Kind::kFamily;
  f->type = format::Type::kHistogram;
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
    auto* s = reinterpret_cast<format::SeriesRecord*>(image.data() + at);
    s->record.kind = format::Kind::kSeries;
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

const Forgery kAllForgeries[] = {
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
         auto* r = reinterpret_cast<format::SeriesRecord*>(image.data() + at);
         if (r->record.kind == format::Kind::kSeries) {
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
       auto* r = reinterpret_cast<format::FamilyRecord*>(image.data() + directory);
       r->record.bytes = kRecord;
       r->record.kind = format::Kind::kFamily;
       r->type = format::Type::kCounter;
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

}  // namespace

const Header& header(const Image& image) { return *reinterpret_cast<const Header*>(image.data()); }

Header& mutable_header(Image& image) { return *reinterpret_cast<Header*>(image.data()); }

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

Damages::Damages(const Image& sound)
    : sound_(sound),
      lengths_(sound.size()),
      header_words_(sizeof(Header) / 4),
      record_words_(header(sound).directory_used.load(std::memory_order_relaxed) / 4) {}

std::size_t Damages::size() const {
  return lengths_ + (header_words_ + record_words_) * std::size(kEdges) * 2;
}

Image Damages::at(std::size_t n, std::string& what) const {
  Image image = sound_;
  if (n < lengths_) {
    image.resize(n);
    what = "truncated to " + std::to_string(n);
    return image;
  }
  n -= lengths_;
  const std::size_t width = 4 + n % 2 * 4;
  const std::uint64_t edge = kEdges[n / 2 % std::size(kEdges)];
  const std::size_t word = n / 2 / std::size(kEdges);
  const std::size_t at =
      word < header_words_ ? word * 4 : header(sound_).directory + (word - header_words_) * 4;
  put(image, at, edge, width);
  what = std::to_string(width) + " bytes at " + std::to_string(at) + " = " + std::to_string(edge);
  return image;
}

std::span<const Forgery> forgeries() { return kAllForgeries; }

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
    reader::SegmentMerge merge(file);
    const bool read = merge.read();
    if (readable != nullptr) *readable = read;
    if (!read) return merge.why().empty() ? "unusable, but nobody says why" : "";
    reader::slot_report(merge.reader());
    std::string text;
    exposition::TextEncoder encoder;
    encoder.encode(merge.families(), text);
    faults_of(file);  // whatever they are
    return Exposition(text).fault();
  } catch (const std::exception& e) {
    return std::string("threw ") + e.what();
  }
}

}  // namespace metrics::torture
