// harm.cpp -- e2e_harm FILE FAULT: damages a segment in one place, by the names that layout.h gives the places, so
// that a test can see the fault found. The segment has to hold what test_inspect.py registers.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cstdio>
#include <functional>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>

#include "libmetrics/gauges.h"
#include "libmetrics/layout.h"
#include "libmetrics/reader.h"

namespace {

using namespace metrics;

class Segment {
 public:
  explicit Segment(const std::string& file) : reader_(file) {
    if (!reader_.look()) throw std::runtime_error(reader_.why());
    const core::Descriptor fd(::open(file.c_str(), O_RDWR | O_CLOEXEC));
    void* at = ::mmap(nullptr, reader_.geometry().file_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
                      fd.get(), 0);
    if (at == MAP_FAILED) throw std::runtime_error("mmap");
    base_ = static_cast<std::byte*>(at);
  }

  layout::Header& header() { return at<layout::Header>(0); }
  layout::Head& head(core::SlotIndex slot) {
    return at<layout::Head>(reader_.geometry().head_offset(slot));
  }
  core::SlotIndex first_lane() { return reader_.geometry().first_slots + 1; }
  layout::FamilyRecord& family(const std::string& name) {
    return at<layout::FamilyRecord>(view(name).offset);
  }
  double* bounds(const std::string& name) { return reinterpret_cast<double*>(&family(name) + 1); }
  char* name(const std::string& family_name) { return text(view(family_name).name); }
  // The family's series with that first label value.
  layout::SeriesRecord& series(const std::string& family, std::string_view value = "") {
    return at<layout::SeriesRecord>(series_view(family, value).offset);
  }
  char* label(const std::string& family, std::string_view value) {
    return text(series_view(family, value).strings.front());
  }
  layout::Cell* cells(core::SlotIndex slot, const layout::SeriesRecord& series) {
    return &at<layout::Cell>(reader_.geometry().slot_offset(slot)) + series.first_cell;
  }

 private:
  template <class T>
  T& at(std::uint64_t offset) {
    return *reinterpret_cast<T*>(base_ + offset);
  }
  const core::FamilyView& view(const std::string& name) {
    for (const auto& f : reader_.catalogue()->contents.families) {
      if (f.name == name) return f;
    }
    throw std::runtime_error("no family " + name);
  }
  const core::SeriesView& series_view(const std::string& family, std::string_view value) {
    const core::Offset wanted = view(family).offset;
    for (const auto& s : reader_.catalogue()->contents.series) {
      const std::string_view first = s.strings.empty() ? "" : s.strings.front();
      if (s.family == wanted && first == value) return s;
    }
    throw std::runtime_error("no such series of " + family);
  }
  // A view into the reader's copy, as the place in the file.
  char* text(std::string_view copied) {
    const auto& copy = reader_.catalogue()->records;
    const auto offset = copied.data() - reinterpret_cast<const char*>(copy.data());
    return reinterpret_cast<char*>(base_ + reader_.geometry().index + offset);
  }

  core::Reader reader_;
  std::byte* base_;
};

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr std::uint64_t kFarAway = std::uint64_t{1} << 40;

std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }

const std::map<std::string, std::function<void(Segment&)>> kFaults = {
    {"magic", [](Segment& s) { s.header().magic ^= 1; }},
    {"major", [](Segment& s) { s.header().major = 9; }},
    {"header size", [](Segment& s) { s.header().header_bytes = 8; }},
    {"parts", [](Segment& s) { s.header().slots -= layout::kPage; }},
    {"file size", [](Segment& s) { s.header().file_bytes += layout::kPage; }},
    {"chain outside", [](Segment& s) { s.series("queue").record.next.store(kFarAway, kRelaxed); }},
    {"circle",
     [](Segment& s) {
       auto& head = s.family("wait_seconds").record;
       head.next.store(s.series("queue").family, kRelaxed);
       s.family("queue").record.next.store(s.series("wait_seconds").family, kRelaxed);
     }},
    {"record size", [](Segment& s) { s.series("queue").record.bytes += 4; }},
    {"record beyond", [](Segment& s) { s.series("queue").record.bytes = layout::kMaxRecordBytes; }},
    {"records overlap",
     [](Segment& s) { s.family("alpha").record.bytes += s.family("alpha").record.bytes; }},
    {"family type", [](Segment& s) { s.family("alpha").type = layout::Type{77}; }},
    {"gauge mode", [](Segment& s) { s.family("queue").mode = layout::Mode{77}; }},
    {"family name", [](Segment& s) { *s.name("alpha") = '7'; }},
    {"family twice", [](Segment& s) { *s.name("alphb") = 'a', s.name("alphb")[4] = 'a'; }},
    {"bounds",
     [](Segment& s) { std::swap(s.bounds("wait_seconds")[0], s.bounds("wait_seconds")[1]); }},
    {"bound count",
     [](Segment& s) { s.family("wait_seconds").bound_count = layout::kMaxBounds + 1; }},
    {"string beyond",
     [](Segment& s) {
       s.name("alpha")[-3] = 0x7f;  // a byte of the length before it
     }},
    {"no family", [](Segment& s) { s.series("queue").family = s.header().directory + 8; }},
    {"cells outside", [](Segment& s) { s.series("queue").first_cell = kFarAway; }},
    {"cell count", [](Segment& s) { s.series("queue").cell_count = 2; }},
    {"cells shared",
     [](Segment& s) { s.series("alpha", "one").first_cell = s.series("alpha", "two").first_cell; }},
    {"label no UTF-8", [](Segment& s) { *s.label("alpha", "one") = '\xff'; }},
    {"series twice", [](Segment& s) { std::copy_n("two", 3, s.label("alpha", "one")); }},
    {"string count", [](Segment& s) { s.series("alpha", "one").string_count = 0; }},
    {"generation",
     [](Segment& s) { s.head(1).generation.store(core::kMaxGeneration + 1ull, kRelaxed); }},
    {"lane's owner",
     [](Segment& s) {
       s.head(s.first_lane()).owner.store(core::Owner{0, 5}.word(), kRelaxed);
     }},
    {"shared slot's owner", [](Segment& s) { s.head(0).owner.store(1, kRelaxed); }},
    {"negative fraction",
     [](Segment& s) {
       s.cells(1, s.series("alpha", "one"))[layout::kCounterFraction].store(bits(-1), kRelaxed);
     }},
    {"NaN fraction",
     [](Segment& s) {
       s.cells(1, s.series("alpha", "one"))[layout::kCounterFraction].store(
           bits(std::numeric_limits<double>::quiet_NaN()), kRelaxed);
     }},
    {"gauge's generation",
     [](Segment& s) {
       s.cells(1, s.series("queue"))[layout::kGaugeGeneration].store(kFarAway, kRelaxed);
     }},
    {"gauge in the shared slot",
     [](Segment& s) {
       s.cells(0, s.series("queue"))[layout::kGaugeValue].store(core::encode_gauge(1), kRelaxed);
     }},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc == 1) {
    for (const auto& [name, harm] : kFaults) std::printf("%s\n", name.c_str());
    return 0;
  }
  if (argc != 3 || !kFaults.contains(argv[2])) return 2;
  try {
    Segment segment(argv[1]);
    kFaults.at(argv[2])(segment);
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
