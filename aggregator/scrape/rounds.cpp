#include "aggregator/scrape/rounds.h"

namespace metrics::scrape {

void Rounds::take_turn(std::unique_lock<std::mutex>& lock) {
  changed_.wait(lock, [this] { return !busy_; });
  busy_ = true;
}

void Rounds::end_turn() {
  busy_ = false;
  changed_.notify_all();
}

Rounds::Result Rounds::share(const std::string& key, const std::function<Result()>& make) {
  std::unique_lock lock(mutex_);
  const auto [place, is_mine] = waiting_.try_emplace(key);
  if (is_mine) place->second = std::make_shared<Round>();
  const std::shared_ptr<Round> round = place->second;
  if (!is_mine) {
    changed_.wait(lock, [&] { return round->done; });
  } else {
    take_turn(lock);
    waiting_.erase(key);  // who comes from here on has to wait for the next round
    lock.unlock();
    try {
      round->result = make();
    } catch (...) {
      round->failure = std::current_exception();
    }
    lock.lock();
    round->done = true;
    end_turn();
  }
  if (round->failure) std::rethrow_exception(round->failure);
  return round->result;
}

void Rounds::alone(const std::function<void()>& work) {
  std::unique_lock lock(mutex_);
  take_turn(lock);
  lock.unlock();
  try {
    work();
  } catch (...) {
    lock.lock();
    end_turn();
    throw;
  }
  lock.lock();
  end_turn();
}

}  // namespace metrics::scrape
