// scrape.h -- what a scrape of a segment shows at one moment, for exact comparison.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libmetrics/reader/families.h"
#include "libmetrics/reader/reader.h"

namespace metrics::test {

using LabelValues = std::vector<std::string>;

class Scrape {
 public:
  // Scrapes the segment. Fails the test if it can't be read or has a fault.
  explicit Scrape(const std::string& file);

  // Returns the whole part of a counter, or the count of a histogram or summary. If there is no
  // such series, fails the test and returns 0.
  std::uint64_t count(const std::string& name, const LabelValues& labels = {}) const;
  // Returns the fractional part of a counter, or the sum of a histogram or summary. If there is no
  // such series, fails the test and returns NaN.
  double sum(const std::string& name, const LabelValues& labels = {}) const;
  // Returns a histogram's bucket counts, not cumulative. If there is no such series, fails the test
  // and returns an empty vector.
  std::vector<std::uint64_t> buckets(const std::string& name, const LabelValues& labels = {}) const;
  // Returns the value of a gauge without labels, or an empty optional if it has no sample.
  std::optional<double> gauge(const std::string& name) const;
  // Returns the samples of a gauge by the value of its first label. Fails the test if two have the
  // same one.
  std::map<std::string, double> by_first_label(const std::string& name) const;
  // Returns the samples of a gauge that has one for each process, by pid.
  std::map<std::string, double> by_pid(const std::string& name) const;
  // Returns whether the series exists.
  bool has(const std::string& name, const LabelValues& labels = {}) const;
  const reader::Families& families() const { return families_; }
  std::size_t family_count() const { return families_.families.size(); }
  std::size_t series_count(const std::string& name) const;
  // Returns the sum over the family's counters, or over the counts of its histograms.
  std::uint64_t sum_of_counts(const std::string& name) const;

  std::uint64_t dropped(format::Drop reason) const {
    return usage_.dropped[static_cast<std::size_t>(reason)];
  }
  const reader::Usage& usage() const { return usage_; }
  // Returns the copies of the slots' heads, by slot number; those of lanes name the owner.
  const std::vector<reader::HeadCopy>& heads() const { return heads_; }
  // Return the highest first slot, and the highest lane, counted from 1, that was ever claimed.
  format::SlotIndex first_slots() const { return usage_.first_slots_used; }
  format::SlotIndex lanes() const { return usage_.lanes_used; }
  // Returns the first cell of the family's series without labels, in this slot only. If there is no
  // such cell, fails the test and returns 0.
  std::uint64_t in_slot(format::SlotIndex slot, const std::string& name) const;

 private:
  struct Found {
    const reader::Family* family = nullptr;
    std::optional<reader::Series> series = std::nullopt;
  };
  Found find(const std::string& name, const LabelValues& labels) const;
  Found required(const std::string& name, const LabelValues& labels) const;

  reader::Families families_;
  // Of the families that were asked for: where the series with these label values stands.
  mutable std::map<std::string, std::map<LabelValues, std::size_t>> places_;
  reader::Usage usage_{};
  std::vector<reader::HeadCopy> heads_;
  std::map<std::string, std::uint64_t> first_cells_;  // by name: of series without labels
  std::map<format::SlotIndex, std::vector<std::uint64_t>> cells_;
};

// Returns what the kernel's locks show about a first slot's owner.
format::Ownership owner_of(const std::string& file, format::SlotIndex first_slot);
// Waits until the kernel shows that a first slot has no owner; returns false if it still has one
// after a while. Tests call it after a death: the slot is free a moment later if another process,
// such as a reader of /proc/PID, still holds the dead one's memory.
bool becomes_free(const std::string& file, format::SlotIndex first_slot);

}  // namespace metrics::test
