#include "libmetrics/setup/join.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/interprocess/detail/os_file_functions.hpp>
#include <boost/interprocess/mapped_region.hpp>
#include <cerrno>
#include <utility>

#include "libmetrics/format/access.h"
#include "libmetrics/format/error.h"
#include "libmetrics/format/file.h"
#include "libmetrics/format/name.h"
#include "libmetrics/setup/creation.h"
#include "libmetrics/setup/permissions.h"

namespace metrics::setup {
namespace {

using format::Header;

// Refuses network file systems, where locks are slow and this kernel alone does not decide who
// holds them.
void check_file_system(const std::string& file, int fd) {
  struct statfs info {};
  if (::fstatfs(fd, &info) != 0) return;
  constexpr std::array<unsigned long, 7> kNetwork = {
      0x6969 /* NFS */, 0xff534d42 /* CIFS */, 0xfe534d42 /* SMB2 */,
      0x517b /* SMB */, 0x01021997 /* 9P */,   0x00c36400 /* Ceph */,
      0x65735546 /* FUSE */};
  const auto type = static_cast<unsigned long>(info.f_type) & 0xffffffffUL;
  if (std::find(kNetwork.begin(), kNetwork.end(), type) != kNetwork.end()) {
    throw format::Error(
        METRICS_UNSUPPORTED,
        file + " is on a network file system; choose a path on tmpfs, e.g. under /dev/shm");
  }
}

// Maps everything before slot 0 for writing.
std::unique_ptr<boost::interprocess::mapped_region> mapped(const std::string& file,
                                                           const format::Geometry& geometry,
                                                           int fd) {
  using boost::interprocess::mapped_region;
  struct Mappable {  // mapped_region needs a file class; this file is open and checked already
    int fd;
    boost::interprocess::mapping_handle_t get_mapping_handle() const { return {fd, false}; }
  };
  try {
    auto region = std::make_unique<mapped_region>(Mappable{fd}, boost::interprocess::read_write, 0,
                                                  geometry.shared_bytes());
    ::madvise(region->get_address(), geometry.shared_bytes(), MADV_DONTDUMP);
    return region;
  } catch (const boost::interprocess::interprocess_exception& e) {
    format::fail(e.get_native_error(), "can't map " + file);
  }
}

// Throws if the path without its ending is a directory. Called before `file` is created: a user who
// gives a directory means a file in it, as with the aggregator.
void refuse_directory(const std::string& file) {
  const std::string path = file.substr(0, file.size() - format::segment_ending().size());
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
    format::refuse("segment path " + path + " is a directory; add a file's name");
  }
}

// Creates the file, unless another process does: the caller opens it either way.
void create_here(const std::string& file, const format::Geometry& size) {
  try {
    create(file, size);
  } catch (const format::Error& e) {
    if (e.status() != METRICS_NO_PERMISSION) throw;
    const std::string why = format::why_uncreated(file);
    if (why.empty()) throw;
    throw format::Error(e.status(), std::string(e.what()) + ": " + why);
  }
}

}  // namespace

std::unique_ptr<update::Segment> join(const std::string& file, const metrics_geometry& wanted) {
  const metrics_geometry size = completed(wanted);
  constexpr int kAttempts = 100;  // bounds the races of creators and deleters
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const format::Descriptor fd = format::open_file(file.c_str(), format::OpenFor::kWriting);
    if (!fd) {
      const int error = errno;
      if (const char* why = format::not_a_segment(error); why != nullptr) {
        throw format::Error(METRICS_INCOMPATIBLE, file + ' ' + why);
      }
      if (error == EACCES || error == EPERM) {
        throw format::Error(METRICS_NO_PERMISSION, file + ' ' + format::why_unopened(file, error));
      }
      if (error == EAGAIN) {  // a lease, by which a program makes sure that no process has it open
        const timespec pause{0, 1'000'000};
        ::nanosleep(&pause, nullptr);
        continue;
      }
      if (error != ENOENT) format::fail(error, "can't open " + file);
      refuse_directory(file);
      create_here(file, format::geometry_of(size));
      continue;
    }
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) format::fail(errno, "can't examine " + file);
    if (info.st_nlink == 0) continue;  // it was deleted just now: no reader would find it
    check_owner(file, info);
    check_file_system(file, fd.get());
    auto header = std::make_unique<Header>();
    const ssize_t got = ::pread(fd.get(), header.get(), sizeof *header, 0);
    if (got < 0) format::fail(errno, "can't read " + file);
    if (static_cast<std::size_t>(got) < sizeof *header) {
      throw format::Error(METRICS_INCOMPATIBLE, file + " is not a metrics segment: it has " +
                                                    std::to_string(info.st_size) +
                                                    " bytes; remove it");
    }
    const format::CheckedGeometry checked = format::check_header(
        *header, static_cast<std::uint64_t>(info.st_size), format::OpenFor::kWriting);
    if (!checked.geometry) throw format::Error(METRICS_INCOMPATIBLE, file + " " + checked.why);
    if (checked.geometry->slots % format::page_bytes() != 0 ||
        checked.geometry->slot_bytes % format::page_bytes() != 0) {
      throw format::Error(METRICS_INCOMPATIBLE,
                          file + " was made for smaller pages than this kernel has");
    }
    update::Segment::Joined joined{file,        *checked.geometry, info.st_dev,
                                   info.st_ino, nullptr,           header->hash_seed};
    joined.region = mapped(file, *checked.geometry, fd.get());
    return std::make_unique<update::Segment>(std::move(joined));
  }
  throw format::Error(METRICS_GONE,
                      file + " is deleted as often as it is created; stop what deletes it");
}

void fail_joined(int error, const std::string& what) {
  throw format::Error(update::status_of(error), what + ": " + format::system_text(error));
}

}  // namespace metrics::setup
