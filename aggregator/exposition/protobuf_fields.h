// protobuf_fields.h -- the numbers of the fields in metrics.proto, by message.
#pragma once

#include <protozero/types.hpp>

namespace metrics::exposition {

namespace family_field {
inline constexpr protozero::pbf_tag_type kName = 1, kHelp = 2, kType = 3, kMetric = 4, kUnit = 5;
}
namespace metric_field {
inline constexpr protozero::pbf_tag_type kLabel = 1, kGauge = 2, kCounter = 3, kSummary = 4,
                                         kHistogram = 7;
}
namespace label_field {
inline constexpr protozero::pbf_tag_type kName = 1, kValue = 2;
}
namespace gauge_field {
inline constexpr protozero::pbf_tag_type kValue = 1;
}
namespace counter_field {
inline constexpr protozero::pbf_tag_type kValue = 1, kExemplar = 2, kCreated = 3;
}
namespace summary_field {
inline constexpr protozero::pbf_tag_type kCount = 1, kSum = 2, kCreated = 4;
}
namespace histogram_field {
inline constexpr protozero::pbf_tag_type kCount = 1, kSum = 2, kBucket = 3, kSchema = 5,
                                         kZeroThreshold = 6, kZeroCount = 7, kNegativeSpan = 9,
                                         kNegativeDelta = 10, kPositiveSpan = 12,
                                         kPositiveDelta = 13, kCreated = 15, kExemplars = 16;
}
namespace span_field {
inline constexpr protozero::pbf_tag_type kOffset = 1, kLength = 2;
}
namespace bucket_field {
inline constexpr protozero::pbf_tag_type kCumulativeCount = 1, kUpperBound = 2, kExemplar = 3;
}
namespace exemplar_field {
inline constexpr protozero::pbf_tag_type kLabel = 1, kValue = 2, kTimestamp = 3;
}
namespace timestamp_field {
inline constexpr protozero::pbf_tag_type kSeconds = 1, kNanos = 2;
}

}  // namespace metrics::exposition
