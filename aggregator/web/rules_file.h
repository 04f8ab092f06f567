// rules_file.h -- who may ask over which transport, as a web configuration file has it now.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/web/config.h"
#include "aggregator/web/rate_limiter.h"
#include "aggregator/web/tls.h"

namespace metrics::web {

// What holds for a connection or a request, from its begin to its end.
struct Rules {
  Tls tls;  // without a context: no TLS
  Headers headers;
  Users users;
  std::shared_ptr<RateLimiter> limiter;  // nullptr: no limit
  bool has_tls() const noexcept { return tls.context != nullptr; }
};

struct RulesFileOptions {
  std::string path = {};  // empty: no TLS, everybody may ask for everything
  // Get what is worth a line in the log; one thread calls them at a time. May be empty.
  std::function<void(std::string_view)> log = {};
  std::function<void(std::string_view)> warn = {};
  std::function<std::timespec()> now = [] {
    std::timespec time{};
    ::clock_gettime(CLOCK_REALTIME, &time);
    return time;
  };
};

// Reads the file, and those that it names, anew when one of them has changed: each time that
// somebody asks for the rules, stat(2) finds that out. What is read anew and has a fault changes
// nothing: the last good rules stay. Thread-safe.
class RulesFile {
 public:
  using Options = RulesFileOptions;

  // Throws std::invalid_argument, with one line that names the file and its fault.
  explicit RulesFile(Options options = {});

  // Returns the rules as they are now.
  //
  // Rules that protect less than the last ones (TLS, passwords or a check of clients' certificates
  // have gone) hold only when the files have not changed for a second: a file that is being
  // written has such rules in its beginning, too.
  std::shared_ptr<const Rules> current() noexcept;

  // Reads the files whether they have changed or not, and believes what they say now.
  void reload() noexcept;

  struct Status {
    bool good = true;             // the files, as they were read last, have no fault
    std::int64_t good_since = 0;  // when the present rules were read, in seconds since the epoch
    std::int64_t cert_not_after = 0;  // 0: no TLS
  };
  // An empty optional if there is no file.
  std::optional<Status> status() const;

 private:
  // What shows that a file is another one.
  struct Stamp {
    std::uint64_t device = 0, inode = 0;
    std::int64_t size = 0, modified_ns = 0, changed_ns = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  // All that rules are made of.
  struct Texts {
    std::string config;
    PemTexts pem;
    friend bool operator==(const Texts&, const Texts&) = default;
  };
  // What there is of each protection.
  struct Protection {
    bool tls = false, users = false, sans = false;
    ClientAuth client_auth = ClientAuth::kNone;
    bool less_than(const Protection& other) const;
  };

  static Stamp stamp_of(const std::string& path) noexcept;
  std::vector<Stamp> stamps() const;
  bool settled(const std::vector<Stamp>& stamps) const;
  void read(bool believe);
  void make(const Config& config, const Texts& texts);
  void fail(const std::string& why);

  const Options options_;
  mutable std::mutex mutex_;  // guards all that follows, except where there is no file
  std::shared_ptr<const Rules> rules_;
  Protection protection_;
  RateLimit rate_limit_;
  std::vector<std::string> paths_;  // of the file, and of those that it names
  std::vector<Stamp> seen_;         // of these, when they were read; empty: read them again
  std::optional<Texts> texts_;      // that were read last
  std::string fault_;               // that was logged last; empty: there is none now
  Status status_;
};

}  // namespace metrics::web
