#include "libmetrics/update/segment.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <boost/interprocess/detail/os_file_functions.hpp>
#include <boost/interprocess/mapped_region.hpp>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <limits>
#include <new>
#include <system_error>
#include <vector>

#include "libmetrics/format/error.h"

namespace metrics::core {
namespace {

using layout::Header;

constexpr int kAttempts = 100;  // bound on retries after EINTR and after races of creators

std::string system_text(int error) { return std::generic_category().message(error); }

[[noreturn]] void fail(int error, const std::string& what) {
  metrics_status status = METRICS_SYSTEM;
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      status = METRICS_NO_SPACE;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      status = METRICS_NO_PERMISSION;
      break;
    case EOPNOTSUPP:
    case ENOLCK:
    case ENOSYS:
      status = METRICS_UNSUPPORTED;
      break;
    case ENAMETOOLONG:
      status = METRICS_INVALID;
      break;
    default:
      break;
  }
  throw Error(status, what + ": " + system_text(error));
}

std::uint64_t round_up(std::uint64_t n, std::uint64_t to) { return (n + to - 1) / to * to; }

const char* environment(const char* name) {
  const char* value = ::secure_getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

std::uint64_t number(const char* variable, std::uint64_t given, std::uint64_t fallback,
                     std::uint64_t least, std::uint64_t most) {
  std::uint64_t value = given;
  if (value == 0) {
    const char* text = environment(variable);
    if (text == nullptr) return fallback;
    const char* end = text + std::strlen(text);
    const auto [parsed, error] = std::from_chars(text, end, value);
    if (error != std::errc{} || parsed != end) {
      throw Error(METRICS_INVALID, std::string("$") + variable + " is \"" + text +
                                       "\"; write a whole number, e.g. " +
                                       std::to_string(fallback));
    }
  }
  if (value < least || value > most) {
    throw Error(METRICS_INVALID, std::string("a segment of ") + std::to_string(value) +
                                     " can't be made; $" + variable + " goes from " +
                                     std::to_string(least) + " to " + std::to_string(most));
  }
  return value;
}

// The group that may share segments, by $METRICS_GROUP.
std::optional<gid_t> shared_group() {
  const char* name = environment("METRICS_GROUP");
  if (name == nullptr) return std::nullopt;
  gid_t gid = 0;
  const char* end = name + std::strlen(name);
  if (const auto [parsed, error] = std::from_chars(name, end, gid);
      error == std::errc{} && parsed == end) {
    return gid;
  }
  std::vector<char> buffer(65536);
  group entry{};
  group* found = nullptr;
  if (::getgrnam_r(name, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    throw Error(METRICS_INVALID, std::string("$METRICS_GROUP is \"") + name +
                                     "\", which is no group here; write a group's name or number");
  }
  return found->gr_gid;
}

// Who may write to the file can harm who maps it, so the file must be ours or our group's.
void check_owner(const std::string& file, const struct stat& info) {
  if (!S_ISREG(info.st_mode)) {
    throw Error(METRICS_INCOMPATIBLE,
                file + " is not a regular file; remove it, or choose another path");
  }
  const std::optional<gid_t> group = shared_group();
  const bool ours = info.st_uid == ::geteuid();
  const bool groups = group && info.st_gid == *group;
  if (!ours && !groups) {
    throw Error(METRICS_NO_PERMISSION,
                file + " belongs to user " + std::to_string(info.st_uid) +
                    ", this process runs as " + std::to_string(::geteuid()) +
                    "; set METRICS_SEGMENT to a path of its own, or METRICS_GROUP for both");
  }
  const bool others_write = (info.st_mode & S_IWOTH) != 0;
  const bool group_writes = (info.st_mode & S_IWGRP) != 0 && !groups;
  if (others_write || group_writes) {
    throw Error(METRICS_NO_PERMISSION, file + " may be written by " +
                                           (others_write ? "anybody" : "its group") +
                                           "; chmod it to 0600, or set METRICS_GROUP to its group");
  }
}

Geometry geometry_of(const metrics_geometry& wanted) {
  const std::uint64_t page = page_bytes();
  Geometry g{};
  g.head_bytes = sizeof(layout::Head);
  g.first_slots = wanted.processes;
  g.lanes = wanted.threads;
  g.cells = wanted.cells;
  g.heads = page;
  g.index = round_up(g.heads + std::uint64_t{g.slot_count()} * g.head_bytes, page);
  // A chain holds a few records when the directory is full of usual ones.
  constexpr std::uint64_t kBytesPerChain = 1024;
  g.index_buckets =
      std::bit_ceil(std::max<std::uint64_t>(64, wanted.directory_bytes / kBytesPerChain));
  g.directory = round_up(g.index + g.index_buckets * sizeof(layout::Link), page);
  g.directory_bytes = round_up(wanted.directory_bytes, page);
  g.slots = g.directory + g.directory_bytes;
  g.slot_bytes = round_up(g.cells * sizeof(layout::Cell), page);
  g.file_bytes = g.slots + std::uint64_t{g.slot_count()} * g.slot_bytes;
  return g;
}

// True if the process may make the file that large. The kernel would kill it with SIGXFSZ if not.
bool within_limit(std::uint64_t file_bytes) noexcept {
  rlimit limit{};
  return ::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
         file_bytes <= limit.rlim_cur;
}

bool allocate(int fd, std::uint64_t offset, std::uint64_t bytes) noexcept {
  if (!within_limit(offset + bytes)) {
    errno = EFBIG;
    return false;
  }
  for (int i = 0; i < kAttempts; ++i) {
    if (::fallocate(fd, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                    static_cast<off_t>(bytes)) == 0) {
      return true;
    }
    if (errno != EINTR) return false;
  }
  return false;
}

std::uint64_t now_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// Gives the nameless, private file the contents of an empty segment.
void fill(int fd, const std::string& file, const Geometry& g) {
  if (!within_limit(g.file_bytes)) {
    throw Error(METRICS_NO_SPACE,
                "can't create " + file + " with " + std::to_string(g.file_bytes) +
                    " bytes: RLIMIT_FSIZE is lower; raise it, or lower METRICS_CELLS");
  }
  if (::ftruncate(fd, static_cast<off_t>(g.file_bytes)) != 0 ||
      !allocate(fd, 0, g.shared_bytes())) {
    fail(errno,
         "can't create " + file + " with " + std::to_string(g.shared_bytes()) + " bytes reserved");
  }
  auto header = std::make_unique<Header>();
  header->magic = layout::kMagic;
  header->major = layout::kMajor;
  header->minor = layout::kMinor;
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
  header->created_ns = now_ns();
  if (::getrandom(&header->id, sizeof header->id, GRND_NONBLOCK) != sizeof header->id) {
    header->id = header->created_ns ^ static_cast<std::uint64_t>(::getpid()) << 32;
  }
  if (::pwrite(fd, header.get(), sizeof *header, 0) != static_cast<ssize_t>(sizeof *header)) {
    fail(errno, "can't write the header of " + file);
  }
  mode_t mode = S_IRUSR | S_IWUSR;
  if (const auto group = shared_group()) {
    mode |= S_IRGRP | S_IWGRP;
    if (::fchown(fd, static_cast<uid_t>(-1), *group) != 0) {
      fail(errno, "can't give " + file + " to group " + std::to_string(*group));
    }
  }
  if (::fchmod(fd, mode) != 0) fail(errno, "can't set the mode of " + file);
}

// Creates the file complete and links it to its name. False if somebody else was first.
bool create(const std::string& file, const Geometry& g) {
  const std::string directory = file.substr(0, file.rfind('/') + 1);
  const auto link_result = [&](int result) {
    if (result != 0 && errno != EEXIST) fail(errno, "can't create " + file);
    return result == 0;
  };
  if (const Descriptor fd(
          ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR));
      fd) {
    fill(fd.get(), file, g);
    const std::string self = "/proc/self/fd/" + std::to_string(fd.get());
    const int linked = ::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, file.c_str(), AT_SYMLINK_FOLLOW);
    if (linked == 0 || errno != ENOENT) return link_result(linked);
    // no /proc here: a name of our own, then
  } else if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) {
    fail(errno, "can't create " + file);
  }
  std::string temporary = file + ".XXXXXX";
  const Descriptor fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) fail(errno, "can't create " + temporary);
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

// Locks over a network are neither the kernel's word nor quick.
void check_file_system(const std::string& file, int fd) {
  struct statfs info {};
  if (::fstatfs(fd, &info) != 0) return;
  constexpr std::array<unsigned long, 7> kNetwork = {
      0x6969 /* NFS */, 0xff534d42 /* CIFS */, 0xfe534d42 /* SMB2 */,
      0x517b /* SMB */, 0x01021997 /* 9P */,   0x00c36400 /* Ceph */,
      0x65735546 /* FUSE */};
  const auto type = static_cast<unsigned long>(info.f_type) & 0xffffffffUL;
  if (std::find(kNetwork.begin(), kNetwork.end(), type) != kNetwork.end()) {
    throw Error(METRICS_UNSUPPORTED,
                file + " is on a network file system; choose a path on tmpfs, e.g. under /dev/shm");
  }
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

std::size_t page_bytes() noexcept {
  static const std::size_t bytes =
      std::max(layout::kPage, static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)));
  return bytes;
}

void populate(void* address, std::size_t bytes) noexcept {
  constexpr int kPopulateWrite = 23;  // MADV_POPULATE_WRITE, Linux 5.14
  ::madvise(address, bytes, kPopulateWrite);
}

metrics_status status_of(int error) noexcept {
  switch (error) {
    case ESTALE:
    case ENOENT:
    case ENOTDIR:
      return METRICS_GONE;
    case EACCES:
    case EPERM:
    case EROFS:
      return METRICS_NO_PERMISSION;
    default:
      return METRICS_NO_SPACE;
  }
}

CheckedGeometry check_header(const Header& copy, std::uint64_t file_bytes) {
  const auto no = [](metrics_status status, std::string why) {
    return CheckedGeometry{std::nullopt, std::move(why), status};
  };
  if (copy.magic != layout::kMagic) {
    return no(METRICS_INCOMPATIBLE, "is not a metrics segment");
  }
  if (copy.major != layout::kMajor) {
    return no(METRICS_INCOMPATIBLE, "has format " + std::to_string(copy.major) + "." +
                                        std::to_string(copy.minor) + "; this program knows " +
                                        std::to_string(layout::kMajor) + ".x");
  }
  if (copy.header_bytes < sizeof(Header) || copy.header_bytes > layout::kPage) {
    return no(METRICS_INCOMPATIBLE,
              "has a header of " + std::to_string(copy.header_bytes) + " bytes");
  }
  const Geometry g{copy.head_bytes, copy.first_slots,     copy.lanes, copy.cells_per_slot,
                   copy.file_bytes, copy.heads,           copy.index, copy.index_buckets,
                   copy.directory,  copy.directory_bytes, copy.slots, copy.slot_bytes};
  constexpr std::uint64_t kMost = std::uint64_t{1} << 46;  // keeps every sum below free of overflow
  const bool small = g.head_bytes <= layout::kPage && g.first_slots < 1u << 20 &&
                     g.lanes < 1u << 20 && g.cells < kMost / 8 && g.heads < kMost &&
                     g.index < kMost && g.index_buckets < kMost / 8 && g.directory < kMost &&
                     g.directory_bytes < kMost && g.slots < kMost && g.slot_bytes < kMost;
  const auto on_page = [](std::uint64_t offset) { return offset % layout::kPage == 0; };
  const bool whole = small && g.head_bytes >= sizeof(layout::Head) &&
                     g.head_bytes % layout::kCacheLine == 0 && g.first_slots > 0 && g.cells > 0 &&
                     std::has_single_bit(g.index_buckets) && on_page(g.heads) && on_page(g.index) &&
                     on_page(g.directory) && on_page(g.directory_bytes) && on_page(g.slots) &&
                     on_page(g.slot_bytes) && g.heads >= copy.header_bytes &&
                     g.index >= g.head_offset(g.slot_count()) &&
                     g.directory >= g.index + g.index_buckets * sizeof(layout::Link) &&
                     g.slots >= g.directory + g.directory_bytes &&
                     g.slot_bytes >= g.cells * sizeof(layout::Cell) &&
                     (g.slot_bytes == 0 || g.slot_count() <= kMost / g.slot_bytes) &&
                     g.file_bytes == g.slot_offset(g.slot_count());
  if (!whole) return no(METRICS_INCOMPATIBLE, "has a header whose parts don't fit together");
  if (file_bytes < g.file_bytes) {
    return no(METRICS_INCOMPATIBLE, "is truncated: " + std::to_string(file_bytes) + " of " +
                                        std::to_string(g.file_bytes) + " bytes");
  }
  return {g, {}, METRICS_OK};
}

std::string segment_ending() { return ".v" + std::to_string(layout::kMajor); }

std::string segment_variable() {
  const char* given = environment("METRICS_SEGMENT");
  return given != nullptr ? given : "";
}

std::string segment_file(const std::string& path) {
  std::string file = path.empty() ? segment_variable() : path;
  if (file.empty()) file = "/dev/shm/metrics-" + std::to_string(::geteuid());
  if (file.front() != '/') {
    const std::unique_ptr<char, decltype(&std::free)> here(::get_current_dir_name(), &std::free);
    if (here == nullptr) fail(errno, "can't make the segment's path " + file + " absolute");
    file = std::string(here.get()) + '/' + file;
  }
  if (file.back() == '/') {
    throw Error(METRICS_INVALID, "segment path " + file + " is a directory; add a file's name");
  }
  if (!file.ends_with(segment_ending())) file += segment_ending();
  return file;
}

metrics_geometry completed(const metrics_geometry& wanted) {
  constexpr std::uint64_t kMostSlots = (1u << 20) - 1;
  metrics_geometry g{};
  g.processes = static_cast<std::uint32_t>(
      number("METRICS_PROCESSES", wanted.processes, 1024, 1, kMostSlots));
  g.threads =
      static_cast<std::uint32_t>(number("METRICS_THREADS", wanted.threads, 1024, 1, kMostSlots));
  g.cells = number("METRICS_CELLS", wanted.cells, 131072, 16, std::uint64_t{1} << 32);
  g.directory_bytes = number("METRICS_DIRECTORY_BYTES", wanted.directory_bytes, 4 << 20, 4096,
                             std::uint64_t{1} << 36);
  return g;
}

Segment::Segment(std::string file, Geometry geometry, int fd)
    : file_(std::move(file)), geometry_(geometry) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) fail(errno, "can't examine " + file_);
  device_ = info.st_dev;
  inode_ = info.st_ino;
  struct Mappable {  // what mapped_region asks of a file: ours is opened and checked already
    int fd;
    boost::interprocess::mapping_handle_t get_mapping_handle() const { return {fd, false}; }
  };
  try {
    region_ = std::make_unique<boost::interprocess::mapped_region>(
        Mappable{fd}, boost::interprocess::read_write, 0, geometry_.shared_bytes());
  } catch (const boost::interprocess::interprocess_exception& e) {
    fail(e.get_native_error(), "can't map " + file_);
  }
  base_ = static_cast<std::byte*>(region_->get_address());
  ::madvise(base_, geometry_.shared_bytes(), MADV_DONTDUMP);
}

Segment::~Segment() = default;

namespace {

// Before `file` is created: who gives the path of a directory means one in it, as the aggregator does.
void refuse_directory(const std::string& file) {
  const std::string path = file.substr(0, file.size() - segment_ending().size());
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
    throw Error(METRICS_INVALID, "segment path " + path + " is a directory; add a file's name");
  }
}

}  // namespace

std::unique_ptr<Segment> Segment::join(const std::string& file, const metrics_geometry& wanted) {
  const metrics_geometry size = completed(wanted);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const Descriptor fd(
        ::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (!fd) {
      if (errno == ELOOP) {
        throw Error(METRICS_INCOMPATIBLE,
                    file + " is a symbolic link; give the path of the file itself");
      }
      if (errno == EISDIR || errno == ENXIO) {
        throw Error(METRICS_INCOMPATIBLE,
                    file + " is not a regular file; remove it, or choose another path");
      }
      if (errno != ENOENT) fail(errno, "can't open " + file);
      refuse_directory(file);
      create(file, geometry_of(size));  // ours or another's: the next turn opens it
      continue;
    }
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) fail(errno, "can't examine " + file);
    check_owner(file, info);
    check_file_system(file, fd.get());
    auto header = std::make_unique<Header>();
    const ssize_t got = ::pread(fd.get(), header.get(), sizeof *header, 0);
    if (got < 0) fail(errno, "can't read " + file);
    if (static_cast<std::size_t>(got) < sizeof *header) {
      throw Error(METRICS_INCOMPATIBLE, file + " is not a metrics segment: it has " +
                                            std::to_string(info.st_size) + " bytes; remove it");
    }
    const CheckedGeometry checked = check_header(*header, static_cast<std::uint64_t>(info.st_size));
    if (!checked.geometry) throw Error(checked.status, file + " " + checked.why);
    if (checked.geometry->slots % page_bytes() != 0 ||
        checked.geometry->slot_bytes % page_bytes() != 0) {
      throw Error(METRICS_INCOMPATIBLE, file + " was made for smaller pages than this kernel has");
    }
    return std::unique_ptr<Segment>(new Segment(file, *checked.geometry, fd.get()));
  }
  throw Error(METRICS_GONE, file + " is deleted as often as it is created; stop who deletes it");
}

Header& Segment::header() const noexcept { return *std::launder(reinterpret_cast<Header*>(base_)); }

layout::Head& Segment::head(SlotIndex slot) const noexcept {
  return *std::launder(reinterpret_cast<layout::Head*>(base_ + geometry_.head_offset(slot)));
}

void Segment::drop(layout::Drop reason) const noexcept {
  header().dropped[static_cast<std::size_t>(reason)].fetch_add(1, std::memory_order_relaxed);
}

Descriptor Segment::reopen() const noexcept {
  Descriptor fd(::open(file_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!fd) return fd;
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return Descriptor();
  if (info.st_dev != device_ || info.st_ino != inode_) {
    errno = ESTALE;
    return Descriptor();
  }
  return fd;
}

bool Segment::is_gone() const noexcept {
  struct stat info {};
  if (::lstat(file_.c_str(), &info) == 0) {
    return info.st_dev != device_ || info.st_ino != inode_;
  }
  // Behind a chroot() the directory is missing too, and the segment may well be where it was.
  if (errno != ENOENT) return false;
  std::array<char, PATH_MAX> directory{};
  const std::size_t length = file_.rfind('/') + 1;
  if (length >= directory.size()) return false;
  file_.copy(directory.data(), length);
  return ::stat(directory.data(), &info) == 0;
}

layout::Cell* Segment::map_slot(int fd, SlotIndex slot) const noexcept {
  void* address = ::mmap(nullptr, geometry_.slot_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                         static_cast<off_t>(geometry_.slot_offset(slot)));
  if (address == MAP_FAILED) return nullptr;
  ::madvise(address, geometry_.slot_bytes, MADV_DONTDUMP);
  return static_cast<layout::Cell*>(address);
}

bool Segment::reserve(int fd, SlotIndex slot, std::uint64_t offset,
                      std::uint64_t bytes) const noexcept {
  return allocate(fd, geometry_.slot_offset(slot) + offset, bytes);
}

}  // namespace metrics::core
