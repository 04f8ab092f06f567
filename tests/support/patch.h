// patch.h -- lets a test write to any place of a segment's file, by the names in layout.h. So a
// test can make states that workers would take a long time to reach, or must never make.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>

#include <stdexcept>
#include <string>
#include <string_view>

#include "libmetrics/format/layout.h"
#include "libmetrics/reader/reader.h"

namespace metrics::test {

// Finds what was registered before the Patch was made. Throws std::runtime_error if what it looks
// for is not there. The file stays mapped until the process ends.
class Patch {
 public:
  explicit Patch(const std::string& file) : reader_(file) {
    if (!reader_.look()) throw std::runtime_error(reader_.why());
    const format::Descriptor fd(::open(file.c_str(), O_RDWR | O_CLOEXEC));
    void* at = ::mmap(nullptr, reader_.geometry().file_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
                      fd.get(), 0);
    if (at == MAP_FAILED) throw std::runtime_error("mmap");
    base_ = static_cast<std::byte*>(at);
  }

  format::Header& header() { return at<format::Header>(0); }
  const format::Geometry& geometry() const { return reader_.geometry(); }
  format::Chain* chains() { return &at<format::Chain>(header().index); }
  format::Head& head(format::SlotIndex slot) {
    return at<format::Head>(reader_.geometry().head_offset(slot));
  }
  format::SlotIndex first_lane() { return reader_.geometry().first_slots + 1; }
  format::FamilyRecord& family(const std::string& name) {
    return at<format::FamilyRecord>(view(name).offset);
  }
  double* bounds(const std::string& name) { return reinterpret_cast<double*>(&family(name) + 1); }
  char* name(const std::string& family_name) { return text(view(family_name).name); }
  // Returns the family's series with that first label value.
  format::SeriesRecord& series(const std::string& family, std::string_view value = "") {
    return at<format::SeriesRecord>(series_view(family, value).offset);
  }
  char* label(const std::string& family, std::string_view value) {
    return text(series_view(family, value).strings.front());
  }
  // Returns the offset of something in the file.
  std::uint64_t offset_of(const void* there) const {
    return static_cast<std::uint64_t>(static_cast<const std::byte*>(there) - base_);
  }
  format::Cell* cells(format::SlotIndex slot, const format::SeriesRecord& series) {
    return &at<format::Cell>(reader_.geometry().slot_offset(slot)) + series.first_cell;
  }

 private:
  template <class T>
  T& at(std::uint64_t offset) {
    return *reinterpret_cast<T*>(base_ + offset);
  }
  const format::FamilyView& view(const std::string& name) {
    for (const auto& f : reader_.catalogue()->contents.families) {
      if (f.name == name) return f;
    }
    throw std::runtime_error("no family " + name);
  }
  const format::SeriesView& series_view(const std::string& family, std::string_view value) {
    const format::Offset wanted = view(family).offset;
    for (const auto& s : reader_.catalogue()->contents.series) {
      const std::string_view first = s.strings.empty() ? "" : s.strings.front();
      if (s.family == wanted && first == value) return s;
    }
    throw std::runtime_error("no such series of " + family);
  }
  // Returns the place in the file of text that was found in the reader's copy of it.
  char* text(std::string_view copied) {
    const auto& copy = reader_.catalogue()->records;
    const auto offset = copied.data() - reinterpret_cast<const char*>(copy.data());
    return reinterpret_cast<char*>(base_ + reader_.geometry().index + offset);
  }

  reader::Reader reader_;
  std::byte* base_;
};

}  // namespace metrics::test
