// admission.h -- counts the requests that are being served: to limit them, and to wait for their
// end.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace metrics::http {

// Thread-safe.
class Admission {
 public:
  // At most `seats` visits are seated at a time.
  explicit Admission(int seats) : free_seats_(seats) {}

  // Visits that begin from now on came_after_closing().
  void close();
  bool closed() const;

  // Waits until no visit is left, but no longer than `at_most`; false: there still is one.
  bool wait_until_empty(std::chrono::milliseconds at_most);

  // One request, from before its handler is chosen until its last byte is with the kernel.
  //
  // Being counted and finding the door open or closed happens under one mutex: whoever found it
  // open is waited for after close(), and whoever isn't waited for found it closed.
  class Visit {
   public:
    explicit Visit(Admission& admission);
    ~Visit();
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

    bool came_after_closing() const { return came_after_closing_; }

    // Takes a seat until the end of the visit; false if all are taken. At most once per visit.
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
