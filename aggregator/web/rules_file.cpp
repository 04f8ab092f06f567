#include "aggregator/web/rules_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace metrics::web {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::size_t kLargestFile = std::size_t{1} << 20;

std::int64_t nanoseconds(const std::timespec& time) noexcept {
  return time.tv_sec * kSecond + time.tv_nsec;
}

// Closes a file with its scope.
class File {
 public:
  // Does not wait for the writer of a pipe.
  explicit File(const std::string& path) noexcept
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

// Throws std::invalid_argument, with a line that begins with `what`.
std::string contents_of(const std::string& path, const std::string& what) {
  const auto refuse = [&](const std::string& why) {
    throw std::invalid_argument(what + ": " + why);
  };
  const auto refuse_error = [&](int error) {
    refuse("can't be read: " + std::generic_category().message(error) +
           (error == EACCES ? "; this process runs as user " + std::to_string(::geteuid()) : ""));
  };
  const File file(path);
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) refuse_error(errno);
  if (!S_ISREG(status.st_mode)) refuse("is not a file");
  std::string text;
  std::array<char, 16'384> piece;
  for (;;) {
    const ssize_t size = ::read(file.get(), piece.data(), piece.size());
    if (size == 0) return text;
    if (size < 0) refuse_error(errno);
    text.append(piece.data(), static_cast<std::size_t>(size));
    if (text.size() > kLargestFile) refuse("is larger than 1 MB");
  }
}

std::string text_of(const Pem& pem) {
  return pem.file.empty() ? pem.text : contents_of(pem.file, pem.field + ' ' + pem.file);
}

}  // namespace

bool RulesFile::Protection::less_than(const Protection& other) const {
  return (!tls && other.tls) || (!users && other.users) || (!sans && other.sans) ||
         client_auth < other.client_auth;
}

RulesFile::RulesFile(Options options)
    : options_(std::move(options)), rules_(std::make_shared<const Rules>()) {
  if (options_.path.empty()) return;
  paths_ = {options_.path};
  read(true);
  if (!status_.good) throw std::invalid_argument(fault_);
}

std::shared_ptr<const Rules> RulesFile::current() noexcept {
  if (options_.path.empty()) return rules_;
  const std::lock_guard lock(mutex_);
  try {
    if (seen_.empty() || stamps() != seen_) read(false);
  } catch (...) {  // out of memory: the last good rules stay
  }
  return rules_;
}

void RulesFile::reload() noexcept {
  if (options_.path.empty()) return;
  const std::lock_guard lock(mutex_);
  try {
    texts_.reset();
    read(true);
  } catch (...) {  // as above
  }
}

std::optional<RulesFile::Status> RulesFile::status() const {
  if (options_.path.empty()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  return status_;
}

RulesFile::Stamp RulesFile::stamp_of(const std::string& path) noexcept {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .size = status.st_size,
          .modified_ns = nanoseconds(status.st_mtim),
          .changed_ns = nanoseconds(status.st_ctim)};
}

std::vector<RulesFile::Stamp> RulesFile::stamps() const {
  std::vector<Stamp> all;
  all.reserve(paths_.size());
  for (const std::string& path : paths_) all.push_back(stamp_of(path));
  return all;
}

// A file may be changed twice within one tick of the clock from which its times come, or still be
// written to.
bool RulesFile::settled(const std::vector<Stamp>& stamps) const {
  const std::int64_t now = nanoseconds(options_.now());
  return std::all_of(stamps.begin(), stamps.end(),
                     [now](const Stamp& s) { return s.changed_ns + kSecond <= now; });
}

// Reads the files, and makes rules of them if they have changed.
void RulesFile::read(bool believe) {
  try {
    Texts texts{.config = contents_of(options_.path, options_.path), .pem = {}};
    const Config config = read_config(texts.config, options_.path);
    std::vector<std::string> paths = {options_.path};
    if (config.tls) {
      for (const Pem* const pem : {&config.tls->cert, &config.tls->key, &config.tls->client_ca}) {
        if (!pem->file.empty()) paths.push_back(pem->file);
      }
    }
    paths_ = std::move(paths);
    const std::vector<Stamp> before = stamps();
    if (config.tls) {
      texts.pem = {.cert = text_of(config.tls->cert),
                   .key = text_of(config.tls->key),
                   .client_ca = text_of(config.tls->client_ca)};
    }
    const bool is_settled = settled(before);
    seen_ = is_settled ? before : std::vector<Stamp>();
    if (texts_ == texts) return;
    const Protection protection{
        .tls = config.tls.has_value(),
        .users = !config.users.empty(),
        .sans = config.tls && config.tls->client_allowed_sans,
        .client_auth = config.tls ? config.tls->client_auth : ClientAuth::kNone};
    if (!believe && !is_settled && protection.less_than(protection_)) return;
    texts_ = texts;
    make(config, texts);
    protection_ = protection;
  } catch (const std::invalid_argument& e) {
    // It is read again when a file changes, or while it may be half written.
    const std::vector<Stamp> now = stamps();
    seen_ = settled(now) ? now : std::vector<Stamp>();
    fail(e.what());
  }
}

void RulesFile::make(const Config& config, const Texts& texts) {
  const bool first = status_.good_since == 0;
  auto rules = std::make_shared<Rules>();
  try {
    if (config.tls) rules->tls = make_tls(*config.tls, texts.pem);
  } catch (const std::invalid_argument& e) {
    throw std::invalid_argument(options_.path + ':' + std::to_string(config.tls->line) + ": " +
                                e.what());
  }
  rules->headers = config.headers;
  rules->users = config.users;
  if (config.rate_limit.interval.count() > 0) {
    // A limit that has not changed goes on as it is.
    rules->limiter = rules_->limiter != nullptr && config.rate_limit == rate_limit_
                         ? rules_->limiter
                         : std::make_shared<RateLimiter>(config.rate_limit);
  }
  rate_limit_ = config.rate_limit;
  fault_.clear();
  status_ = {
      .good = true, .good_since = options_.now().tv_sec, .cert_not_after = rules->tls.not_after};
  rules_ = std::move(rules);
  if (options_.log) {
    if (!first) options_.log("web configuration read anew");
    if (config.wants_http2) options_.log("web configuration: http2 is ignored: HTTP/1.1 is served");
  }
}

void RulesFile::fail(const std::string& why) {
  status_.good = false;
  texts_.reset();
  if (why == fault_) return;
  fault_ = why;
  // There is no last good one before the first.
  if (options_.warn && status_.good_since != 0) {
    options_.warn("web configuration has a fault; the last good one stays: " + why);
  }
}

}  // namespace metrics::web
