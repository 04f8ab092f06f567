// rounds.h -- lets requests that wait for the same work share the next result.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace metrics::scrape {

// Work is done by one thread at a time. However many threads ask, none waits for more than the work
// under way and one round for each key that is asked for. Thread-safe.
class Rounds {
 public:
  using Result = std::shared_ptr<const std::string>;

  // Returns what `make` returns. If another thread waits with the same key for its turn, returns
  // what that one makes: its work begins after this call, so that it is as new as one's own. Throws
  // what `make` throws, in all threads that share the round.
  Result share(const std::string& key, const std::function<Result()>& make);

  // Does the work when no other is under way.
  void alone(const std::function<void()>& work);

 private:
  struct Round {
    bool done = false;
    Result result;
    std::exception_ptr failure;
  };
  void take_turn(std::unique_lock<std::mutex>& lock);
  void end_turn();

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool busy_ = false;
  std::map<std::string, std::shared_ptr<Round>> waiting_;  // by key: rounds that have not begun
};

}  // namespace metrics::scrape
