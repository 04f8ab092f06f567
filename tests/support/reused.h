// reused.h -- removes a series' record and uses it again, one step of the protocol after the other,
// so that a test can look in between. FORMAT.md has the protocol.
#pragma once

#include "libmetrics/format/layout.h"
#include "tests/support/patch.h"

namespace metrics::test {

// For a record that no process uses meanwhile.
class Reused {
 public:
  Reused(Patch& patch, format::SeriesRecord& record)
      : header_(patch.header()),
        record_(record),
        version_(format::rest_of(record.record.state.load(std::memory_order_relaxed))) {}

  void rest() { become(format::State::kResting, ++header_.clock); }
  void take() {
    become(format::State::kTaken, 0);
    ++header_.reuses;
  }
  // The caller has filled the record.
  void commit() {
    become(format::State::kCommitting, ++version_);
    become(format::State::kLive, version_);
  }
  std::uint64_t version() const { return version_; }

 private:
  void become(format::State state, std::uint64_t rest) {
    record_.record.state.store(format::word_of(state, rest), std::memory_order_release);
  }

  format::Header& header_;
  format::SeriesRecord& record_;
  std::uint64_t version_;
};

}  // namespace metrics::test
