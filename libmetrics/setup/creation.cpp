#include "libmetrics/setup/creation.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <system_error>

#include "libmetrics/format/clock.h"
#include "libmetrics/format/error.h"
#include "libmetrics/format/file.h"
#include "libmetrics/format/group.h"
#include "libmetrics/format/layout.h"
#include "libmetrics/format/name.h"
#include "libmetrics/format/random.h"
#include "libmetrics/update/segment.h"

namespace metrics::setup {
namespace {

using format::Header;

// Returns `given`; if that is 0, the environment variable's number; if that is not set, `fallback`.
// Throws Error(METRICS_INVALID) for text that is no number, and for numbers out of range.
std::uint64_t given_or_environment(const char* variable, std::uint64_t given,
                                   std::uint64_t fallback, std::uint64_t least,
                                   std::uint64_t most) {
  std::uint64_t value = given;
  if (value == 0) {
    const char* text = format::environment(variable);
    if (text == nullptr) return fallback;
    const char* end = text + std::strlen(text);
    const auto [parsed, error] = std::from_chars(text, end, value);
    if (error != std::errc{} || parsed != end) {
      format::refuse(std::string("$") + variable + " is \"" + text +
                     "\"; write a whole number, e.g. " + std::to_string(fallback));
    }
  }
  if (value < least || value > most) {
    format::refuse(std::string("a segment of ") + std::to_string(value) + " can't be made; $" +
                   variable + " goes from " + std::to_string(least) + " to " +
                   std::to_string(most));
  }
  return value;
}

// Gives the nameless, private file the contents of an empty segment.
void fill(int fd, const std::string& file, const format::Geometry& g) {
  if (!update::within_size_limit(g.file_bytes)) {
    throw format::Error(METRICS_NO_SPACE,
                        "can't create " + file + " with " + std::to_string(g.file_bytes) +
                            " bytes: RLIMIT_FSIZE is lower; raise it, or lower METRICS_CELLS");
  }
  if (::ftruncate(fd, static_cast<off_t>(g.file_bytes)) != 0 ||
      !update::reserve_in_file(fd, 0, g.shared_bytes())) {
    format::fail(errno, "can't create " + file + " with " + std::to_string(g.shared_bytes()) +
                            " bytes reserved");
  }
  auto header = std::make_unique<Header>();
  header->magic = format::kMagic;
  header->major = format::kMajor;
  header->minor = format::kMinor;
  header->header_bytes = sizeof(Header);
  header->head_bytes = g.head_bytes;
  header->first_slots = g.first_slots;
  header->lanes = g.lanes;
  header->cells_per_slot = g.cells;
  header->file_bytes = g.file_bytes;
  header->heads = g.heads;
  header->index = g.index;
  header->index_buckets = g.index_buckets;
  header->directory = g.directory;
  header->directory_bytes = g.directory_bytes;
  header->slots = g.slots;
  header->slot_bytes = g.slot_bytes;
  header->created_ns = format::now_ns();
  header->features = header->writer_features = format::kReuse;
  header->hash_seed = format::random_key();
  const format::HashKey other = format::random_key();
  // The id is shown, the seed never. Where the kernel has no random bytes, both keys are the same.
  header->id = other != header->hash_seed ? other[0]
                                          : format::hash_word(header->created_ns, other[1], other);
  if (::pwrite(fd, header.get(), sizeof *header, 0) != static_cast<ssize_t>(sizeof *header)) {
    format::fail(errno, "can't write the header of " + file);
  }
  mode_t mode = S_IRUSR | S_IWUSR;
  if (const auto group = format::shared_group(file)) {
    mode |= S_IRGRP | S_IWGRP;
    if (::fchown(fd, static_cast<uid_t>(-1), *group) != 0) {
      format::fail(errno, "can't give " + file + " to group " + std::to_string(*group));
    }
  }
  if (::fchmod(fd, mode) != 0) format::fail(errno, "can't set the mode of " + file);
}

}  // namespace

bool create(const std::string& file, const format::Geometry& g) {
  const std::string directory = file.substr(0, file.rfind('/') + 1);
  const format::StandardDescriptorsKept kept;
  const auto link_result = [&](int result) {
    if (result != 0 && errno != EEXIST) format::fail(errno, "can't create " + file);
    return result == 0;
  };
  if (const format::Descriptor fd(
          ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR));
      fd) {
    fill(fd.get(), file, g);
    const std::string self = "/proc/self/fd/" + std::to_string(fd.get());
    const int linked = ::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, file.c_str(), AT_SYMLINK_FOLLOW);
    if (linked == 0 || errno != ENOENT) return link_result(linked);
    // There is no /proc here, so the file gets a temporary name, as below.
  } else if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) {
    format::fail(errno, "can't create " + file);
  }
  std::string temporary = file + ".XXXXXX";
  const format::Descriptor fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) format::fail(errno, "can't create " + file + ".XXXXXX");  // the same text each time
  try {
    fill(fd.get(), file, g);
    const bool created = link_result(::link(temporary.c_str(), file.c_str()));
    ::unlink(temporary.c_str());
    return created;
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

metrics_geometry completed(const metrics_geometry& wanted) {
  constexpr std::uint64_t kMostSlots = (1u << 20) - 1;
  metrics_geometry g{};
  g.processes = static_cast<std::uint32_t>(
      given_or_environment("METRICS_PROCESSES", wanted.processes, 1024, 1, kMostSlots));
  g.threads = static_cast<std::uint32_t>(
      given_or_environment("METRICS_THREADS", wanted.threads, 1024, 1, kMostSlots));
  g.cells =
      given_or_environment("METRICS_CELLS", wanted.cells, 1 << 20, 16, std::uint64_t{1} << 32);
  g.directory_bytes = given_or_environment("METRICS_DIRECTORY_BYTES", wanted.directory_bytes,
                                           8 << 20, 4096, std::uint64_t{1} << 36);
  const std::uint64_t slots = std::uint64_t{1} + g.processes + g.threads;
  const std::uint64_t room = format::kMostFileBytes - (std::uint64_t{1} << 38);  // for the rest
  const std::uint64_t most = room / slots / sizeof(format::Cell);
  if (g.cells > most) {
    format::refuse("a segment with " + std::to_string(g.cells) + " cells in each of " +
                   std::to_string(slots) +
                   " slots can't be made: it would be too large; $METRICS_CELLS goes to " +
                   std::to_string(most) + " with as many slots");
  }
  return g;
}

std::string difference(const metrics_geometry& wanted, const format::Geometry& there,
                       const std::string& file) {
  const metrics_geometry asked = completed(wanted);
  std::string text;
  const auto compare = [&](const char* variable, bool given, std::uint64_t value,
                           std::uint64_t has) {
    if (value == has || (!given && format::environment(variable) == nullptr)) return;
    text += (text.empty() ? "" : ", ") + std::to_string(has) + " instead of " + variable + " " +
            std::to_string(value);
  };
  const format::Geometry would_be = format::geometry_of(asked);
  compare("METRICS_PROCESSES", wanted.processes != 0, asked.processes, there.first_slots);
  compare("METRICS_THREADS", wanted.threads != 0, asked.threads, there.lanes);
  compare("METRICS_CELLS", wanted.cells != 0, asked.cells, there.cells);
  compare("METRICS_DIRECTORY_BYTES", wanted.directory_bytes != 0, would_be.directory_bytes,
          there.directory_bytes);
  if (text.empty()) return text;
  return file + " keeps the size that it was made with: " + text +
         "; to change it, stop all processes that have it open and delete the file";
}

}  // namespace metrics::setup
