#include "aggregator/exposition/protobuf.h"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <protozero/basic_pbf_writer.hpp>
#include <protozero/buffer_fixed.hpp>
#include <protozero/buffer_string.hpp>
#include <protozero/pbf_writer.hpp>
#include <protozero/varint.hpp>
#include <span>
#include <type_traits>
#include <vector>

#include "aggregator/exposition/exemplars.h"
#include "aggregator/exposition/names.h"
#include "aggregator/exposition/protobuf_fields.h"
#include "aggregator/exposition/samples.h"
#include "libmetrics/format/types.h"

namespace metrics::exposition {
namespace {

using protozero::pbf_tag_type;
using protozero::pbf_writer;

// How a type is written.
struct Spelling {
  int type;              // the value of the enum MetricType
  pbf_tag_type value;    // the field of a metric that has its value
  pbf_tag_type created;  // the field of that message; 0: it has none
};
Spelling spelling_of(format::Type type) noexcept {
  using format::Type;
  switch (type) {
    case Type::kCounter:
      return {0, metric_field::kCounter, counter_field::kCreated};
    case Type::kSummary:
      return {2, metric_field::kSummary, summary_field::kCreated};
    case Type::kHistogram:
      return {4, metric_field::kHistogram, histogram_field::kCreated};
    default:
      return {1, metric_field::kGauge, 0};
  }
}

protozero::data_view view(std::string_view text) noexcept { return {text.data(), text.size()}; }

void add_timestamp(pbf_writer& to, pbf_tag_type field, std::uint64_t ns) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  pbf_writer timestamp(to, field);
  timestamp.add_int64(timestamp_field::kSeconds, static_cast<std::int64_t>(ns / kSecond));
  timestamp.add_int32(timestamp_field::kNanos, static_cast<std::int32_t>(ns % kSecond));
}

void add_label(pbf_writer& to, pbf_tag_type field, std::string_view name, std::string_view value) {
  pbf_writer pair(to, field);
  pair.add_string(label_field::kName, view(name));
  pair.add_string(label_field::kValue, view(value));
}

void add_exemplar(pbf_writer& to, pbf_tag_type field, const reader::Exemplar& exemplar) {
  pbf_writer message(to, field);
  for (const reader::Label& label : exemplar.labels) {
    add_label(message, exemplar_field::kLabel, label.name, label.value);
  }
  message.add_double(exemplar_field::kValue, exemplar.value);
  add_timestamp(message, exemplar_field::kTimestamp, exemplar.stamp_ns);
}

void add_bucket(pbf_writer& histogram, std::uint64_t cumulative_count, double upper_bound,
                const reader::Exemplar& exemplar) {
  pbf_writer bucket(histogram, histogram_field::kBucket);
  bucket.add_uint64(bucket_field::kCumulativeCount, cumulative_count);
  bucket.add_double(bucket_field::kUpperBound, upper_bound);
  add_exemplar(bucket, bucket_field::kExemplar, exemplar);
}

// Writes the bucket to a place of its own first: its length stands before it, and it is short.
void add_bucket(pbf_writer& histogram, std::uint64_t cumulative_count, double upper_bound) {
  std::array<char, 2 + protozero::max_varint_length + sizeof upper_bound> room;
  protozero::fixed_size_buffer_adaptor bytes(room);
  protozero::basic_pbf_writer<protozero::fixed_size_buffer_adaptor> bucket(bytes);
  bucket.add_uint64(bucket_field::kCumulativeCount, cumulative_count);
  bucket.add_double(bucket_field::kUpperBound, upper_bound);
  histogram.add_message(histogram_field::kBucket, bytes.data(), bytes.size());
}

// Adds what the explicit bounds count. There is no bucket +Inf, since it is the count, unless it
// has an exemplar.
void add_observations(pbf_writer& histogram, const reader::Family& family,
                      const std::uint64_t* value, ExemplarWalk exemplars) {
  Numbers numbers = numbers_of(family);
  numbers.count = false;
  auto bound = family.bounds.begin();
  each_number(numbers, value, [&](auto number) {
    if constexpr (std::is_floating_point_v<decltype(number)>) {
      histogram.add_double(histogram_field::kSum, number);
    } else if (bound != family.bounds.end()) {
      const reader::Exemplar* e = exemplars.up_to(*bound);
      if (e == nullptr) {
        add_bucket(histogram, number, *bound++);
      } else {
        add_bucket(histogram, number, *bound++, *e);
      }
    } else {
      const bool is_native_alone = family.native && family.bounds.empty();
      if (const reader::Exemplar* e = exemplars.last(); e != nullptr && !is_native_alone) {
        add_bucket(histogram, number, std::numeric_limits<double>::infinity(), *e);
      }
      histogram.add_uint64(histogram_field::kCount, number);
    }
  });
}

// Adds the native buckets on one side of zero to the histogram at the end of `message`. proto2
// repeats the field of each delta.
void add_side(pbf_writer& histogram, std::string& message, pbf_tag_type span_tag,
              pbf_tag_type delta_tag, const NativeSide& side) {
  for (const NativeSpan& span : side.spans) {
    pbf_writer to(histogram, span_tag);
    to.add_sint32(span_field::kOffset, span.offset);
    to.add_uint32(span_field::kLength, span.length);
  }
  // Some at a time, in a place of their own first: a string asks for room for each byte.
  constexpr std::size_t kTogether = 64;
  constexpr std::size_t kMostBytes = 1 + protozero::max_varint_length;
  std::array<char, kTogether * kMostBytes> room;
  for (std::span rest(side.deltas); !rest.empty();) {
    const auto some = rest.first(std::min(rest.size(), kTogether));
    protozero::fixed_size_buffer_adaptor bytes(room);
    protozero::basic_pbf_writer<protozero::fixed_size_buffer_adaptor> to(bytes);
    for (const std::int64_t delta : some) to.add_sint64(delta_tag, delta);
    message.append(bytes.data(), bytes.size());
    rest = rest.subspan(some.size());
  }
}

// Adds the exemplars of a native histogram: the newest ones, the newest first.
void add_newest(pbf_writer& histogram, std::span<const reader::Exemplar> exemplars) {
  constexpr std::size_t kMost = 10;  // as in Prometheus's client for Go
  std::vector<const reader::Exemplar*> newest;
  for (const reader::Exemplar& e : exemplars) newest.push_back(&e);
  std::ranges::stable_sort(newest, std::ranges::greater(), &reader::Exemplar::stamp_ns);
  newest.resize(std::min(newest.size(), kMost));
  for (const reader::Exemplar* e : newest) add_exemplar(histogram, histogram_field::kExemplars, *e);
}

void add_native(pbf_writer& histogram, std::string& message, const NativeBuckets& buckets,
                std::span<const reader::Exemplar> exemplars) {
  using namespace histogram_field;
  histogram.add_sint32(kSchema, buckets.schema);
  histogram.add_double(kZeroThreshold, buckets.zero_threshold);
  histogram.add_uint64(kZeroCount, buckets.zero_count);
  add_side(histogram, message, kNegativeSpan, kNegativeDelta, buckets.negative);
  add_side(histogram, message, kPositiveSpan, kPositiveDelta, buckets.positive);
  add_newest(histogram, exemplars);
}

void add_value(pbf_writer& to, const reader::Families& families, const reader::Family& family,
               const reader::Series& series) {
  const std::uint64_t* value = families.values.data() + series.first_value;
  ExemplarWalk exemplars(families.exemplars_of(series));
  switch (format::values_of(family.type)) {
    case format::Values::kWholeAndFraction:
      each_number(numbers_of(family), value, [&](auto number) {
        to.add_double(counter_field::kValue, static_cast<double>(number));
      });
      if (const reader::Exemplar* e = exemplars.last()) {
        add_exemplar(to, counter_field::kExemplar, *e);
      }
      return;
    case format::Values::kGauge:
    case format::Values::kState:
      to.add_double(gauge_field::kValue, std::bit_cast<double>(*value));
      return;
    case format::Values::kInfo:
      to.add_double(gauge_field::kValue, 1);
      return;
    case format::Values::kCounts:
      if (format::has_buckets(family.type)) {
        add_observations(to, family, value, exemplars);
        return;
      }
      each_number(numbers_of(family), value, [&](auto number) {
        if constexpr (std::is_floating_point_v<decltype(number)>) {
          to.add_double(summary_field::kSum, number);
        } else {
          to.add_uint64(summary_field::kCount, number);
        }
      });
  }
}

// Returns the fields of a family except for its series.
std::string head(const reader::Family& family) {
  std::string bytes;
  pbf_writer to(bytes);
  const std::string name = family.name + std::string(format::row_of(family.type).name_ending);
  to.add_string(family_field::kName, name);
  to.add_string(family_field::kHelp, family.help);
  to.add_enum(family_field::kType, spelling_of(family.type).type);
  if (!family.unit.empty()) to.add_string(family_field::kUnit, family.unit);
  return bytes;
}

std::string labels_of(const reader::Series& series) {
  std::string bytes;
  pbf_writer to(bytes);
  series.labels.each([&](std::string_view name, std::string_view value) {
    add_label(to, metric_field::kLabel, name, value);
  });
  return bytes;
}

std::string created_of(const reader::Family& family, const reader::Series& series) {
  std::string bytes;
  pbf_writer to(bytes);
  if (const std::uint64_t created_ns = created_ns_of(family, series); created_ns != 0) {
    add_timestamp(to, spelling_of(family.type).created, created_ns);
  }
  return bytes;
}

}  // namespace

ProtobufEncoder::ProtobufEncoder(const Options& options)
    : escaping_(options.escaping), native_(options.native) {}

void ProtobufEncoder::keep(const std::string& bytes) {
  kept_ += bytes;
  sizes_.push_back(static_cast<std::uint32_t>(bytes.size()));
}

void ProtobufEncoder::learn(const reader::Families& families) {
  shape_ = 0;  // what is kept is not complete until the end of this function
  kept_.clear();
  sizes_.clear();
  native_encoders_.clear();
  other_names_ = escaped(families, escaping_);
  for (const reader::Family& family : (other_names_ ? *other_names_ : families).families) {
    // Without series it would cost the memory of a grid for a few bytes of a record.
    if (native_.shown && family.native && !family.series.empty()) {
      native_encoders_.emplace_back(family);
    }
    if (!family.continues) keep(head(family));
    for (const reader::Series& series : family.series) {
      keep(labels_of(series));
      keep(created_of(family, series));
    }
  }
  shape_ = families.shape;
}

void ProtobufEncoder::replace(const reader::Families& families, std::string& out) {
  if (families.shape != shape_) learn(families);
  out.clear();
  const char* next = kept_.data();
  const std::uint32_t* size = sizes_.data();
  NativeEncoder* native = native_encoders_.data();
  const auto append_kept = [&] {
    message_.append(next, *size);
    next += *size++;
  };
  const reader::Families& shown = other_names_ ? *other_names_ : families;
  reader::each_family(shown, [&](std::span<const reader::Family> parts) {
    message_.clear();
    append_kept();
    pbf_writer to(message_);
    for (const reader::Family& part : parts) {
      const bool has_native = native_.shown && part.native && !part.series.empty();
      for (const reader::Series& series : part.series) {
        pbf_writer metric(to, family_field::kMetric);
        append_kept();
        pbf_writer value(metric, spelling_of(part.type).value);
        add_value(value, families, part, series);
        if (has_native) {
          const auto* buckets = native->encode(families.counts(part, series), native_.max_buckets);
          if (buckets != nullptr) {
            add_native(value, message_, *buckets, families.exemplars_of(series));
          }
        }
        append_kept();
      }
      if (has_native) ++native;
    }
    protozero::add_varint_to_buffer(&out, message_.size());
    out += message_;
  });
}

}  // namespace metrics::exposition
