// protobuf.h -- the protobuf format: a length and a MetricFamily, again and again.
// https://github.com/prometheus/client_model/blob/v0.6.1/io/prometheus/client/metrics.proto
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/exposition/formats.h"
#include "aggregator/exposition/native.h"
#include "libmetrics/reader/families.h"

namespace metrics::exposition {

inline constexpr std::string_view kProtobufContentType =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

// Not thread-safe: each thread needs its own. Several share no data, and only read `families`.
class ProtobufEncoder {
 public:
  explicit ProtobufEncoder(const Options& options = {});

  // Replaces the content of `out` by the exposition; it is empty if there are no families. As long
  // as families.shape is the same as in the call before, this allocates only to make strings large
  // enough. Throws std::bad_alloc or std::length_error.
  void replace(const reader::Families& families, std::string& out);

 private:
  void learn(const reader::Families& families);
  void keep(const std::string& bytes);

  const format::Escaping escaping_;
  const NativeRules native_;
  std::optional<reader::Families> other_names_;  // see names.h
  std::uint64_t shape_ = 0;                      // of the families that the rest is for
  // The fields that stay the same: of each family its head, then, of each of its series, the labels
  // and the field `created` of the message that holds the value. sizes_ are those of all of them.
  std::string kept_;
  std::vector<std::uint32_t> sizes_;
  // Of each family that has native buckets and series.
  std::vector<NativeEncoder> native_encoders_;
  std::string message_;  // one family
};

}  // namespace metrics::exposition
