// admission.h -- counts the requests that are being served, limits their number, and tells which
// came after the end.
#pragma once

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

  // One request, from before its handler is chosen until its response is made. Nobody has a seat
  // while the client takes the response.
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
  int visits_ = 0;
  int free_seats_;
  bool closed_ = false;
};

}  // namespace metrics::http
