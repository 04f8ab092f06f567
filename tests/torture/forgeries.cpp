#include "tests/torture/forgeries.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace metrics::torture {
namespace {

using format::Header;

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
  std::memset(image.data() + index, 0, h.index_buckets * sizeof(format::Chain));
  image.resize(family);
  image.resize(family + kBytes);
  put(image, index, family, 8);
  auto* f = reinterpret_cast<format::FamilyRecord*>(image.data() + family);
  f->record.kind = format::Kind::kFamily;
  f->record.fixed = sizeof *f;
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
    s->record.fixed = sizeof *s;
    s->strings = at + sizeof *s;
    s->room = static_cast<std::uint32_t>(record - sizeof *s);
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
       h.directory = h.index + h.index_buckets * sizeof(format::Chain);
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
       for (std::uint64_t at = h.directory;
            at + sizeof(format::SeriesRecord) <= h.directory + h.directory_used;) {
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
       h.directory = h.index + kIndex * sizeof(format::Chain);
       h.directory_bytes = 64 << 20;
       h.directory_used = 2 * kRecord;
       h.slots = h.directory + h.directory_bytes;
       h.file_bytes = h.slots + (std::uint64_t{1} + h.first_slots + h.lanes) * h.slot_bytes;
       const std::uint64_t index = h.index, directory = h.directory, size = h.file_bytes;
       image.resize(directory + 2 * kRecord);
       for (std::uint64_t i = 0; i < kIndex; ++i) {
         put(image, index + i * sizeof(format::Chain), directory, 8);
       }
       std::memset(image.data() + directory, 0, kRecord);
       auto* r = reinterpret_cast<format::FamilyRecord*>(image.data() + directory);
       r->record.bytes = kRecord;
       r->record.kind = format::Kind::kFamily;
       r->record.fixed = sizeof *r;
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

std::span<const Forgery> forgeries() { return kAllForgeries; }

}  // namespace metrics::torture
