// passwords.h -- whether a password is a user's.
#pragma once

#include <array>
#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "aggregator/web/config.h"

namespace metrics::web {

// A bcrypt hash takes tens of milliseconds by design, whoever asks for one. So what was right once
// is remembered, hashes are made one at a time, and few may wait for their turn: strangers can
// spend one processor and a few threads, and no one else's scrape waits for theirs. Thread-safe.
class Passwords {
 public:
  Passwords();

  enum class Answer { kRight, kWrong, kBusy };

  // Returns whether it is the password of that user. Takes the same time for a wrong password and
  // for a user that does not exist. kBusy: too many wait for a hash already; ask again later.
  Answer check(const Users& users, const std::string& name, const std::string& password);

 private:
  static constexpr int kMostWaiting = 2;  // beside the one whose hash is being made
  static constexpr std::size_t kMostRemembered = 1000;

  using Digest = std::string;
  Digest digest(std::initializer_list<std::string_view> parts) const;
  const std::string& stand_in(const Users& users, const std::string& name) const;

  std::array<unsigned char, 32> secret_;  // so that nobody can choose a digest

  std::mutex mutex_;  // guards all that follows
  std::condition_variable turn_;
  bool hashing_ = false;
  int waiting_ = 0;
  std::set<Digest> right_;
};

}  // namespace metrics::web
