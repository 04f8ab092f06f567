// The protobuf format, read back field by field.
#include "aggregator/exposition/protobuf.h"

#include <gtest/gtest.h>

#include <limits>
#include <protozero/pbf_reader.hpp>
#include <protozero/varint.hpp>
#include <string>
#include <vector>

#include "aggregator/exposition/number.h"
#include "libmetrics/format/clock.h"
#include "tests/support/families_builder.h"

namespace metrics::exposition {
namespace {

using protozero::pbf_reader;
using test::FamiliesBuilder;

std::string number(double v) {
  char buffer[kMaxNumberSize];
  return {buffer, print(buffer, v)};
}

// What each message may have: the field's number, its name, and what it holds.
struct Field {
  protozero::pbf_tag_type tag;
  const char* name;
  enum class Is { kText, kWhole, kSigned, kReal, kMessage } is;
  const std::vector<Field>* fields = nullptr;
};
using enum Field::Is;
const std::vector<Field> kLabel = {{1, "name", kText}, {2, "value", kText}};
const std::vector<Field> kTimestamp = {{1, "seconds", kWhole}, {2, "nanos", kWhole}};
const std::vector<Field> kGauge = {{1, "value", kReal}};
const std::vector<Field> kExemplar = {
    {1, "label", kMessage, &kLabel}, {2, "value", kReal}, {3, "at", kMessage, &kTimestamp}};
const std::vector<Field> kCounter = {{1, "value", kReal},
                                     {2, "exemplar", kMessage, &kExemplar},
                                     {3, "created", kMessage, &kTimestamp}};
const std::vector<Field> kSummary = {
    {1, "count", kWhole}, {2, "sum", kReal}, {4, "created", kMessage, &kTimestamp}};
const std::vector<Field> kBucket = {
    {1, "count", kWhole}, {2, "bound", kReal}, {3, "exemplar", kMessage, &kExemplar}};
const std::vector<Field> kSpan = {{1, "offset", kSigned}, {2, "length", kWhole}};
const std::vector<Field> kHistogram = {{1, "count", kWhole},
                                       {2, "sum", kReal},
                                       {3, "bucket", kMessage, &kBucket},
                                       {5, "schema", kSigned},
                                       {6, "threshold", kReal},
                                       {7, "zeros", kWhole},
                                       {9, "below", kMessage, &kSpan},
                                       {10, "delta_below", kSigned},
                                       {12, "above", kMessage, &kSpan},
                                       {13, "delta_above", kSigned},
                                       {15, "created", kMessage, &kTimestamp},
                                       {16, "exemplar", kMessage, &kExemplar}};
const std::vector<Field> kMetric = {{1, "label", kMessage, &kLabel},
                                    {2, "gauge", kMessage, &kGauge},
                                    {3, "counter", kMessage, &kCounter},
                                    {4, "summary", kMessage, &kSummary},
                                    {7, "histogram", kMessage, &kHistogram}};
const std::vector<Field> kFamily = {{1, "name", kText},
                                    {2, "help", kText},
                                    {3, "type", kWhole},
                                    {4, "metric", kMessage, &kMetric},
                                    {5, "unit", kText}};

std::string read(pbf_reader message, const std::vector<Field>& fields) {
  std::string text;
  while (message.next()) {
    const auto field = std::ranges::find(fields, message.tag(), &Field::tag);
    if (field == fields.end()) throw std::runtime_error("tag " + std::to_string(message.tag()));
    text += std::string(text.empty() ? "" : " ") + field->name;
    switch (field->is) {
      case kText:
        text += "=" + message.get_string();
        break;
      case kWhole:
        text += "=" + std::to_string(message.get_uint64());
        break;
      case kSigned:
        text += "=" + std::to_string(message.get_sint64());
        break;
      case kReal:
        text += "=" + number(message.get_double());
        break;
      case kMessage:
        text += "{" + read(message.get_message(), *field->fields) + "}";
    }
  }
  return text;
}

// Returns a line for each family.
std::string lines(const std::string& bytes) {
  std::string text;
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at != end) {
    const std::uint64_t size = protozero::decode_varint(&at, end);
    if (size > static_cast<std::uint64_t>(end - at)) throw std::runtime_error("a length is wrong");
    text += read(pbf_reader(at, size), kFamily) + "\n";
    at += size;
  }
  return text;
}

std::string encoded(const reader::Families& families, const Options& options = {}) {
  std::string out = "a former content";
  ProtobufEncoder(options).replace(families, out);
  return out;
}

TEST(Protobuf, IsEmptyForNoFamilies) { EXPECT_EQ(encoded(FamiliesBuilder().build()), ""); }

TEST(Protobuf, HasEachTypeInItsMessage) {
  FamiliesBuilder b;
  b.family(format::Type::kCounter, "tasks", "Tasks.").counter({{"queue", "a"}, {"b", ""}}, 3, 0.25);
  b.counter({}, (std::uint64_t{1} << 53) + 1);
  b.family(format::Type::kGauge, "heat", "Heat.").gauge({}, -1.5);
  b.family(format::Type::kHistogram, "wait", "Wait.", {-0.5, 1});
  b.series({{"host", "h"}}).whole(1).whole(200).whole(4).real(17.5);
  b.series({{"host", "i"}}).whole(0).whole(0).whole(0).real(0);
  b.family(format::Type::kSummary, "size", "Size.").series({}).whole(2).real(1e9);
  b.family(format::Type::kInfo, "build", "Build.").info({{"version", "1.0"}});
  b.family(format::Type::kHistogram, "without_bounds", "").series({}).whole(2).real(1);
  b.family(format::Type::kCounter, "empty", "");
  EXPECT_EQ(
      lines(encoded(b.build())),
      "name=tasks_total help=Tasks. type=0 "
      "metric{label{name=queue value=a} label{name=b value=} counter{value=3.25}} "
      "metric{counter{value=9.007199254740992e+15}}\n"
      "name=heat help=Heat. type=1 metric{gauge{value=-1.5}}\n"
      "name=wait help=Wait. type=4 "
      "metric{label{name=host value=h} histogram{bucket{count=1 bound=-0.5} "
      "bucket{count=201 bound=1} count=205 sum=17.5}} "
      "metric{label{name=host value=i} histogram{bucket{count=0 bound=-0.5} "
      "bucket{count=0 bound=1} count=0 sum=0}}\n"
      "name=size help=Size. type=2 metric{summary{count=2 sum=1e+09}}\n"
      "name=build_info help=Build. type=1 metric{label{name=version value=1.0} gauge{value=1}}\n"
      "name=without_bounds help= type=4 metric{histogram{count=2 sum=1}}\n"
      "name=empty_total help= type=0\n");
}

// A bucket for each power of two from 1 to 16, and as many below zero; 3 is an explicit bound.
reader::Families native() {
  FamiliesBuilder b;
  b.family(format::Type::kHistogram, "empty", "", {3});
  b.family(format::Type::kHistogram, "x", "", {3}).series({});
  // Below -16, -16 to -8, ... -2 to -1, zero, 1 to 2, 2 to 3, 3 to 4, 4 to 8, 8 to 16, above.
  for (const unsigned n : {1u, 0u, 0u, 2u, 0u, 5u, 0u, 4u, 3u, 0u, 0u, 6u}) b.whole(n);
  b.real(9);
  reader::Families families = b.build();
  for (reader::Family& f : families.families) {
    f.native = format::Native{0, 0, 4, true};
    f.positions = format::positions_of(f.bounds, f.native);
  }
  return families;
}

TEST(Protobuf, HasNativeBucketsBesideTheExplicitOnes) {
  EXPECT_EQ(
      lines(encoded(native())),
      "name=empty help= type=4\n"
      "name=x help= type=4 metric{histogram{bucket{count=12 bound=3} count=21 sum=9 "
      "schema=0 threshold=1 zeros=5 "
      "below{offset=2 length=1} below{offset=1022 length=1} delta_below=2 delta_below=-1 "
      "above{offset=2 length=1} above{offset=1022 length=1} delta_above=7 delta_above=-1}}\n");
}

TEST(Protobuf, HasNoNativeBucketsWhereTheyAreSwitchedOff) {
  EXPECT_EQ(lines(encoded(native(), {.native = {.shown = false}})),
            "name=empty help= type=4\n"
            "name=x help= type=4 metric{histogram{bucket{count=12 bound=3} count=21 sum=9}}\n");
}

TEST(Protobuf, HasTheNewestExemplarOfTheCounterAndOfEachBucket) {
  FamiliesBuilder b;
  b.family(format::Type::kCounter, "tasks", "").counter({}, 3);
  b.exemplar(1, 1'500'000'000, {{"trace_id", "a"}, {"n", "1"}});
  b.family(format::Type::kHistogram, "wait", "", {0, 1}).series({});
  b.whole(1).whole(2).whole(4).real(17.5);
  b.exemplar(0.5, 2'000'000'000, {{"t", "old"}}).exemplar(1, 3'000'000'000, {{"t", "new"}});
  b.exemplar(7, 4'000'000'000, {});
  EXPECT_EQ(lines(encoded(b.build())),
            "name=tasks_total help= type=0 metric{counter{value=3 exemplar{"
            "label{name=trace_id value=a} label{name=n value=1} value=1 "
            "at{seconds=1 nanos=500000000}}}}\n"
            "name=wait help= type=4 metric{histogram{bucket{count=1 bound=0} "
            "bucket{count=3 bound=1 exemplar{label{name=t value=new} value=1 "
            "at{seconds=3 nanos=0}}} "
            "bucket{count=7 bound=+Inf exemplar{value=7 at{seconds=4 nanos=0}}} "
            "count=7 sum=17.5}}\n");
}

TEST(Protobuf, HasTheTenNewestExemplarsBesideNativeBuckets) {
  FamiliesBuilder b;
  b.family(format::Type::kHistogram, "x", "").series({});
  for (int i = 0; i < 6; ++i) b.whole(1);
  b.real(9);
  for (unsigned value = 1; value <= 11; ++value) {
    b.exemplar(value, value * 1'000'000'000ull, {});
  }
  reader::Families families = b.build();
  reader::Family& f = families.families.front();
  f.native = format::Native{0, 0, 3, false};
  f.positions = format::positions_of(f.bounds, f.native);
  const std::string text = lines(encoded(families));
  std::string expected;
  for (int value = 11; value > 1; --value) {
    const std::string n = std::to_string(value);
    expected += " exemplar{value=" + n + " at{seconds=" + n + " nanos=0}}";
  }
  EXPECT_TRUE(text.ends_with(expected + "}}\n")) << text;
  EXPECT_EQ(text.find("bound=+Inf"), std::string::npos) << text;
}

TEST(Protobuf, TakesTextsAsTheyAre) {
  FamiliesBuilder b;
  b.family(format::Type::kGauge, "x", "a\\b\nc\"d\"").gauge({{"l", "a\\b\nc\"d\""}}, 1.0);
  EXPECT_EQ(lines(encoded(b.build())),
            "name=x help=a\\b\nc\"d\" type=1 metric{label{name=l value=a\\b\nc\"d\"} "
            "gauge{value=1}}\n");
}

// 2^14 and 2^28 need a longer length; a family's lies behind all of its series.
TEST(Protobuf, PrecedesEachMessageByItsLengthHoweverLong) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{100}, std::size_t{127},
                                 std::size_t{128}, std::size_t{20'000}, std::size_t{3'000'000}}) {
    FamiliesBuilder b;
    const std::string text(size, 'x');
    b.family(format::Type::kHistogram, "h", text, {1}).series({{"l", text}});
    b.whole(~std::uint64_t{0} - 5).whole(1).real(std::numeric_limits<double>::lowest());
    EXPECT_EQ(lines(encoded(b.build())),
              "name=h help=" + text + " type=4 metric{label{name=l value=" + text +
                  "} histogram{bucket{count=18446744073709551610 bound=1} "
                  "count=18446744073709551611 sum=-1.7976931348623157e+308}}\n");
  }
}

TEST(Protobuf, PutsContinuationsIntoTheirFamily) {
  FamiliesBuilder b;
  b.family(format::Type::kHistogram, "x", "", {1}).series({}).whole(1).whole(0).real(1);
  b.family(format::Type::kHistogram, "x", "", {2}).series({{"s", "2"}}).whole(1).whole(1).real(0);
  reader::Families families = b.build();
  families.families[1].continues = true;
  families.families[0].unit = "seconds";
  EXPECT_EQ(lines(encoded(families)),
            "name=x help= type=4 unit=seconds "
            "metric{histogram{bucket{count=1 bound=1} count=1 sum=1}} "
            "metric{label{name=s value=2} histogram{bucket{count=1 bound=2} count=2 sum=0}}\n");
}

reader::Families created(std::uint64_t created_ns) {
  FamiliesBuilder b;
  b.family(format::Type::kCounter, "c", "").counter({}, 1);
  b.family(format::Type::kHistogram, "h", "").series({}).whole(2).real(1);
  b.family(format::Type::kSummary, "s", "").series({}).whole(2).real(1);
  b.family(format::Type::kGauge, "g", "").gauge({}, 1.0);
  reader::Families families = b.build();
  for (reader::Family& f : families.families) f.series.change(0).created_ns = created_ns;
  return families;
}

TEST(Protobuf, HasWhenSeriesThatCountWereCreated) {
  EXPECT_EQ(lines(encoded(created(1'520'430'000'012'000'000))),
            "name=c_total help= type=0 "
            "metric{counter{value=1 created{seconds=1520430000 nanos=12000000}}}\n"
            "name=h help= type=4 "
            "metric{histogram{count=2 sum=1 created{seconds=1520430000 nanos=12000000}}}\n"
            "name=s help= type=2 "
            "metric{summary{count=2 sum=1 created{seconds=1520430000 nanos=12000000}}}\n"
            "name=g help= type=1 metric{gauge{value=1}}\n");
}

TEST(Protobuf, NeverClaimsACreationInTheFuture) {
  const std::uint64_t now = format::now_ns();
  const std::string text = lines(encoded(created(now + 3'600'000'000'000)));
  const std::string name = "created{seconds=";
  const auto shown = std::stoull(text.substr(text.find(name) + name.size()));
  EXPECT_LT(shown, now / 1'000'000'000 + 600);
  EXPECT_GE(shown, now / 1'000'000'000);
}

TEST(Protobuf, FollowsValuesAndShape) {
  FamiliesBuilder b;
  b.family(format::Type::kGauge, "x", "").gauge({}, 1.0);
  reader::Families families = b.build();
  ProtobufEncoder encoder;
  const auto encode = [&encoder](const reader::Families& f) {
    std::string out;
    encoder.replace(f, out);
    return lines(out);
  };
  EXPECT_EQ(encode(families), "name=x help= type=1 metric{gauge{value=1}}\n");
  families.values[0] = std::bit_cast<std::uint64_t>(2.5);
  EXPECT_EQ(encode(families), "name=x help= type=1 metric{gauge{value=2.5}}\n");
  FamiliesBuilder other;
  other.family(format::Type::kCounter, "y", "").counter({{"a", "b"}}, 2);
  EXPECT_EQ(encode(other.build()),
            "name=y_total help= type=0 metric{label{name=a value=b} counter{value=2}}\n");
  EXPECT_EQ(encode(families), "name=x help= type=1 metric{gauge{value=2.5}}\n");
}

}  // namespace
}  // namespace metrics::exposition
