// admission.h -- counts the requests that are being served, to limit their number and to wait for
// their end.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace metrics::http {

// Thread-safe.
class Admission {
 public:
  // Allows at most `seats` visits to have a seat at the same time.
  explicit Admission(int seats) : free_seats_(seats) {}

  // Closes the door: came_after_closing() is true for visits that begin from now on.
  void close();
  bool closed() const;

  // Returns how many visits there are.
  int visits() const;

  // Waits until no visit is left, but no longer than `at_most`. Returns false if one still is.
  bool wait_until_empty(std::chrono::milliseconds at_most);

  // One request, from before its handler is chosen until its response is made. Nobody has a seat
  // while the client takes the response.
  //
  // A visit is counted and learns whether the door is open under one mutex. So wait_until_empty()
  // after close() waits for every visit that found the door open, and a visit for which it does not
  // wait found the door closed.
  class Visit {
   public:
    explicit Visit(Admission& admission);
    ~Visit();
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

    bool came_after_closing() const { return came_after_closing_; }

    // Takes a seat until the end of the visit. Returns false if all seats are taken. Call it at
    // most once per visit.
    bool admit();

   private:
    Admission& admission_;
    bool came_after_closing_;
    bool seated_ = false;
  };

 private:
  mutable std::mutex mutex_;
  std::condition_variable empty_;
  int visits_ = 0;
  int free_seats_;
  bool closed_ = false;
};

}  // namespace metrics::http
