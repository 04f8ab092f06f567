// scrape.h -- what a scrape of a segment shows at one moment, for exact comparison.
#pragma once

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
  // Fails the test if the segment can't be read, or has a fault.
  explicit Scrape(const std::string& file);

  // The whole part of a counter; the count of a histogram or summary. 0, and the test fails, if
  // there is none.
  std::uint64_t count(const std::string& name, const LabelValues& labels = {}) const;
  // The fractional part of a counter; the sum of a histogram or summary. NaN, and the test fails,
  // if there is none.
  double sum(const std::string& name, const LabelValues& labels = {}) const;
  std::vector<std::uint64_t> buckets(const std::string& name, const LabelValues& labels = {}) const;
  // A gauge without labels that is one sample; none if it has no sample.
  std::optional<double> gauge(const std::string& name) const;
  // The samples of a gauge with one label.
  std::map<std::string, double> by_first_label(const std::string& name) const;
  // The samples of a gauge that has one for each process.
  std::map<std::string, double> by_pid(const std::string& name) const;
  // Whether the series is there.
  bool has(const std::string& name, const LabelValues& labels = {}) const;
  std::size_t family_count() const { return families_.families.size(); }
  std::size_t series_count(const std::string& name) const;

  std::uint64_t dropped(format::Drop reason) const {
    return usage_.dropped[static_cast<std::size_t>(reason)];
  }
  const reader::Usage& usage() const { return usage_; }
  // By slot number; lanes have an owner.
  const std::vector<reader::HeadCopy>& heads() const { return heads_; }
  // The highest ever used.
  format::SlotIndex first_slots() const { return usage_.first_slots_used; }
  format::SlotIndex lanes() const { return usage_.lanes_used; }
  // A series' first cell in one slot alone.
  std::uint64_t in_slot(format::SlotIndex slot, const std::string& name) const;

 private:
  struct Found {
    const reader::Family* family = nullptr;
    const reader::Series* series = nullptr;
  };
  Found find(const std::string& name, const LabelValues& labels) const;
  Found required(const std::string& name, const LabelValues& labels) const;

  reader::Families families_;
  reader::Usage usage_{};
  std::vector<reader::HeadCopy> heads_;
  std::map<std::string, std::uint64_t> first_cells_;  // of series without labels
  std::map<format::SlotIndex, std::vector<std::uint64_t>> cells_;
};

// The kernel's word on a first slot.
format::Ownership owner_of(const std::string& file, format::SlotIndex first_slot);

}  // namespace metrics::test
