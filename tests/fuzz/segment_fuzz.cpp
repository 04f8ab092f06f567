// segment_fuzz.cpp -- the reader, the merge, the exposition, the report and the checks, over a
// damaged segment.
//
// The input is a list of changes to a sound image, of 11 bytes each: what to do, where, and with
// what. So a few bytes reach every word of header, heads, index, records and cells, and the file's
// length; and the fields of each record by the record's number, wherever it stands.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "metrics/metrics.h"
#include "tests/torture/image.h"
#include "tests/torture/read_damaged.h"

namespace {

using namespace metrics;

// A file of this process's own.
struct Scratch {
  Scratch() : directory("/dev/shm/metrics-fuzz-XXXXXX") {
    if (::mkdtemp(directory.data()) == nullptr) std::abort();
    metrics_set_log(nullptr, nullptr);
    image = torture::healthy_image(directory + "/sound");
    file = directory + "/segment.v2";
    const format::Header& header = torture::header(image);
    const std::uint64_t end = header.directory + header.directory_used.load();
    for (std::uint64_t at = header.directory; at + sizeof(format::Record) <= end;) {
      records.push_back(at);
      at += reinterpret_cast<const format::Record*>(image.data() + at)->bytes;
    }
  }
  ~Scratch() {
    ::unlink(file.c_str());
    ::rmdir(directory.c_str());
  }
  std::string directory, file;
  torture::Image image;
  std::vector<std::size_t> records;  // where each begins
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Scratch scratch;
  torture::Image image = scratch.image;
  std::uint64_t length = image.size();
  constexpr std::size_t kChange = 11;
  for (; size >= kChange; data += kChange, size -= kChange) {
    std::uint16_t where = 0;
    std::uint64_t what = 0;
    std::memcpy(&where, data + 1, sizeof where);
    std::memcpy(&what, data + 3, sizeof what);
    const std::size_t at = std::size_t{where} * 4 % (image.size() - 64);
    switch (data[0] % 6) {
      case 0:
        std::memcpy(image.data() + at, &what, 8);
        break;
      case 1:
        std::memcpy(image.data() + at, &what, 4);
        break;
      case 2:
        image[at] ^= static_cast<unsigned char>(what);
        break;
      case 5: {  // two bytes of the fixed part of a record
        const std::size_t record = scratch.records[(where & 0xff) % scratch.records.size()];
        std::memcpy(image.data() + record + (where >> 8) * 2 % sizeof(format::SeriesRecord), &what,
                    2);
        break;
      }
      case 3:
        length = what % (std::uint64_t{1} << 44);
        break;
      default:
        std::memmove(image.data() + at, image.data() + what % (image.size() - 64), 64);
    }
  }
  image.resize(std::min<std::uint64_t>(image.size(), length));
  torture::write_image(scratch.file, image);
  if (length > image.size() && ::truncate(scratch.file.c_str(), static_cast<off_t>(length)) != 0) {
    return 0;
  }
  const std::string fault = torture::read_damaged(scratch.file);
  if (!fault.empty()) {
    std::fprintf(stderr, "%s\n", fault.c_str());
    std::abort();
  }
  return 0;
}
