#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/exposition/utc.h"
#include "libmetrics/format/access.h"
#include "libmetrics/format/error.h"
#include "libmetrics/format/file.h"
#include "libmetrics/format/name.h"
#include "libmetrics/reader/reader.h"
#include "tools/inspect/commands.h"
#include "tools/inspect/output.h"
#include "tools/inspect/path.h"
#include "tools/inspect/table.h"

namespace metrics::inspect {
namespace {

// A read lease is given only while no process has the file open for writing, or mapped, as every
// process has that has joined it, whether it has counted yet or not. As long as the lease is held,
// a process that wants to join is refused with EAGAIN, and tries again: then it finds the name
// gone, and creates a new segment. So none can come between the question and the removal. The lease
// ends with the descriptor, whatever becomes of this process.
enum class Use { kUnused, kUsed, kUnknown };

Use lease(int fd, std::string& why) {
  if (::fcntl(fd, F_SETLEASE, F_RDLCK) == 0) return Use::kUnused;
  if (errno == EAGAIN) return Use::kUsed;
  why = errno == EACCES || errno == EPERM
            ? "belongs to another user; run it as that user"
            : "can't be leased, so nobody knows who uses it: " + format::system_text(errno);
  return Use::kUnknown;
}

// Returns true if the path still leads to that file.
bool is_named(const std::string& file, int fd) {
  struct stat named {
  }, opened{};
  return ::lstat(file.c_str(), &named) == 0 && ::fstat(fd, &opened) == 0 &&
         named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

struct Result {
  std::string what;  // used, unused, removed; empty: a fault
  std::string why;   // of the fault
};

Result prune_file(const std::string& file, bool removes) {
  const format::Descriptor fd = format::open_file(file.c_str(), format::OpenFor::kReading);
  if (!fd) return {"", format::why_unopened(file, errno)};
  std::string why;
  switch (lease(fd.get(), why)) {
    case Use::kUsed:
      return {"used", ""};
    case Use::kUnknown:
      return {"", why};
    case Use::kUnused:
      break;
  }
  if (!removes) return {"unused", ""};
  if (!is_named(file, fd.get())) return {"used", ""};  // a new one has taken its place
  if (::unlink(file.c_str()) != 0) return {"", "can't be removed: " + format::system_text(errno)};
  return {"removed", ""};
}

}  // namespace

int prune(const std::string& path, bool removes, Format format) {
  ::signal(SIGIO, SIG_IGN);  // which tells the holder of a lease that a process wants to join
  Json json = Json::array();
  std::vector<std::vector<std::string>> rows = {{"SEGMENT", "MEMORY", "CREATED", "STATE"}};
  int status = kFine;
  for (const std::string& file : segments_at(path)) {
    reader::Reader reader(file);
    // What is no segment is none of ours to remove.
    if (!reader.look()) {
      json.push_back({{"segment", file}, {"error", reader.why()}});
      status = unreadable(reader.why());
      continue;
    }
    const reader::Usage usage = reader.usage();
    reader.close();
    if (usage.taken_ns != 0) continue;  // somebody wants to keep a snapshot
    const Result result = prune_file(file, removes);
    if (result.what.empty()) {
      json.push_back({{"segment", file}, {"error", file + ' ' + result.why}});
      status = unreadable(file + ' ' + result.why);
      continue;
    }
    json.push_back({{"segment", file},
                    {"memory_bytes", usage.space_taken},
                    {"created", exposition::utc(usage.created_ns)},
                    {"state", result.what}});
    rows.push_back({file, std::to_string(usage.space_taken / 1024) + "K",
                    exposition::utc(usage.created_ns), result.what});
  }
  if (format == Format::kJson) {
    print(json);
  } else if (rows.size() > 1) {  // no heading of nothing
    print_table(std::move(rows));
  }
  return status;
}

}  // namespace metrics::inspect
