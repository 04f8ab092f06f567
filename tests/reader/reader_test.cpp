// What forged bytes may cost a reader: a word each, and with it the file, or the series that they
// stand in.
#include "libmetrics/reader/reader.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "libmetrics/reader/contents.h"
#include "libmetrics/reader/merge.h"
#include "libmetrics/reader/verify.h"
#include "tests/support/patch.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

constexpr std::uint64_t kTera = std::uint64_t{1} << 40;

// Makes room in the file, which stays as sparse as it was, for what the header claims by now.
void fit(const TempSegment& t, format::Header& h) {
  h.file_bytes = h.slots + (std::uint64_t{1} + h.first_slots + h.lanes) * h.slot_bytes;
  ASSERT_EQ(::truncate(t.file().c_str(), static_cast<off_t>(h.file_bytes)), 0);
}

void expect_refused(const TempSegment& t, const std::string& why) {
  reader::Reader reader(t.file());
  EXPECT_FALSE(reader.look());
  EXPECT_EQ(reader.why().substr(0, (t.file() + why).size()), t.file() + why);
}

std::vector<std::string> faults(const TempSegment& t) {
  reader::Reader reader(t.file());
  EXPECT_TRUE(reader.look()) << reader.why();
  return reader.catalogue()->faults;
}

TEST(Reader, RefusesADirectoryOfMoreBytesThanTheFileTakes) {
  TempSegment t;
  t.counter("tasks").inc();
  Patch patch(t.file());
  format::Header& h = patch.header();
  h.directory_bytes = kTera;
  h.slots = h.directory + h.directory_bytes;
  h.directory_used.store(kTera, std::memory_order_relaxed);
  fit(t, h);
  expect_refused(t, " has a directory and slots of ");
}

// Many small series are shown in the many bounds of the last edition.
TEST(Reader, RefusesAnExpositionOfFarMoreTextThanTheFileTakes) {
  TempSegment t({1, 1, 64 * 1024, 4 << 20});
  const Family<Summary> many("times", "", {"name"}, t.options());
  for (unsigned i = 0; i < 20'000; ++i) many.labels(std::to_string(i));
  reader::SegmentMerge merge(t.file());
  ASSERT_TRUE(merge.read()) << merge.why();
  std::vector<double> bounds;
  for (unsigned i = 0; i < format::kMaxBounds; ++i) bounds.push_back(i);
  const Family<Histogram> last("times", "", {"name"},
                               {.bounds = Bounds(bounds), .segment = t.segment()});
  EXPECT_FALSE(merge.read());
  EXPECT_EQ(merge.why().find(t.file() + " describes so many samples"), 0u) << merge.why();
}

TEST(Reader, LeavesOutSeriesThatShareTheirCells) {
  TempSegment t;
  t.counter("tasks").inc();
  t.counter("others").inc();
  Patch patch(t.file());
  patch.series("others").first_cell = patch.series("tasks").first_cell + 1;
  const auto found = faults(t);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NE(found[0].find(" shares cells with the record at "), std::string::npos) << found[0];
}

// Records that overlap would be many long ones in little space.
TEST(Reader, ReadsNoMoreBytesOfRecordsThanThereAre) {
  TempSegment t;
  for (int i = 0; i < 100; ++i) t.counter("tasks" + std::to_string(i)).inc();
  Patch patch(t.file());
  const std::uint64_t half = patch.header().directory_used.load(std::memory_order_relaxed) / 16 * 8;
  for (int i = 0; i < 100; ++i) {
    patch.family("tasks" + std::to_string(i)).record.bytes = static_cast<std::uint32_t>(half);
  }
  bool told = false;
  for (const std::string& fault : faults(t)) {
    told = told || fault.ends_with(" has more bytes of records than there are");
  }
  EXPECT_TRUE(told);
}

// Whether such a series is described alike in both copies is not asked: that would take as many
// bytes for each.
TEST(Reader, ComparesNoMoreBytesOfSeriesThatChangeThanThereAre) {
  constexpr int kSeries = 100;
  TempSegment t;
  const Family<Counter> tasks("tasks", "", {"type"}, t.options());
  for (int i = 0; i < kSeries; ++i) tasks.labels(std::to_string(i)).inc();
  Patch patch(t.file());
  const std::uint64_t end = patch.header().directory + patch.header().directory_used.load();
  for (int i = 0; i < kSeries; ++i) {
    format::SeriesRecord& series = patch.series("tasks", std::to_string(i));
    series.room = static_cast<std::uint32_t>(end - series.strings);
  }
  const format::Geometry geometry = patch.geometry();
  const auto copied = [&] {
    std::vector<std::uint64_t> copy((end - geometry.index) / sizeof(std::uint64_t));
    std::memcpy(copy.data(), &patch.chains()[0], copy.size() * sizeof copy[0]);
    return copy;
  };
  const auto links = copied();
  auto records = copied();
  ++records.back();
  std::vector<std::string> faults;
  const auto found = reader::contents(
      reader::window_of(links, geometry.index), reader::window_of(records, geometry.index),
      geometry, &faults, [] { return false; }, nullptr);
  EXPECT_LT(found.value().idle.size(), kSeries / 2u);
  ASSERT_FALSE(faults.empty());
  EXPECT_NE(faults[0].find(" has more bytes of records than there are"), std::string::npos);
}

TEST(Reader, LeavesOutFamiliesWhoseNativeBucketsCanNotBe) {
  struct Forged {
    int schema, low, high, kind;
    const char* fault;
  };
  for (const Forged& f : {
           Forged{9, -1, 1, 1, "has a native schema of 9; it goes from 0 to 8"},
           Forged{-1, -1, 1, 1, "has a native schema of -1; it goes from 0 to 8"},
           Forged{0, 1, 1, 1, "has a native window from 2^1 to 2^1; it must ascend"},
           Forged{0, 2, 1, 1, "has a native window from 2^2 to 2^1; it must ascend"},
           Forged{0, -32768, 1, 1, "has a native window from 2^-32768 to 2^1; it must ascend"},
           Forged{0, 1, 32767, 1, "has a native window from 2^1 to 2^32767; it must ascend"},
           Forged{0, -40, 40, 1, "has a native window of 80 powers of two; at most 64"},
           Forged{8, -10, 10, 1, "has 5120 native buckets; at most 4096"},
           Forged{8, -8, 1, 2, "has 4608 native buckets; at most 4096"},
       }) {
    TempSegment t;
    t.counter("tasks").inc();
    Family<Histogram>("times", "", {}, {.segment = t.segment(), .native = Native{.factor = 2}})
        .observe(1);
    format::FamilyRecord& record = Patch(t.file()).family("times");
    record.schema = static_cast<std::int8_t>(f.schema);
    record.low = static_cast<std::int16_t>(f.low);
    record.high = static_cast<std::int16_t>(f.high);
    record.native = static_cast<std::uint8_t>(f.kind);
    const auto found = faults(t);
    ASSERT_FALSE(found.empty()) << f.fault;
    EXPECT_NE(found[0].find(f.fault), std::string::npos) << found[0];
    reader::Reader reader(t.file());
    const auto verified = reader::verify(reader);
    EXPECT_NE(std::ranges::find(verified, found[0]), verified.end());
    reader::SegmentMerge merge(t.file());
    ASSERT_TRUE(merge.read()) << merge.why();
    ASSERT_EQ(merge.families().families.size(), 1u);
    EXPECT_EQ(merge.families().families[0].name, "tasks");
  }
  TempSegment t;
  t.counter("tasks").inc();
  Patch(t.file()).family("tasks").native = 1;
  const auto found = faults(t);
  ASSERT_FALSE(found.empty());
  EXPECT_NE(found[0].find("only histograms have native buckets"), std::string::npos) << found[0];
}

// What a later minor version may add: FORMAT.md, "The name, and later versions".

TEST(LaterVersions, AFamilyOfAnUnknownTypeOrModeIsLeftOutAndIsNoFault) {
  for (const int what : {0, 1, 2}) {
    TempSegment t;
    t.counter("tasks").inc();
    t.gauge("later", Mode::kSum).set(1);
    format::FamilyRecord& later = Patch(t.file()).family("later");
    if (what == 0) later.type = static_cast<format::Type>(200);
    if (what == 1) later.mode = static_cast<format::Mode>(200);
    if (what == 2) later.native = 3;
    reader::Reader reader(t.file());
    ASSERT_TRUE(reader.look()) << reader.why();
    EXPECT_EQ(reader.catalogue()->faults, std::vector<std::string>());
    EXPECT_EQ(reader.catalogue()->contents.unknown_families, 1u);
    EXPECT_EQ(reader.catalogue()->contents.families.size(), 1u);
    EXPECT_EQ(reader.catalogue()->contents.series.size(), 1u);
    EXPECT_EQ(t.scraped("tasks"), 1u);
  }
}

// A registrant that does not know the type pays it no attention, and links a family of its own.
TEST(LaterVersions, AFamilyOfAnUnknownTypeHindersNoRegistrant) {
  TempSegment t;
  t.gauge("tasks", Mode::kSum).set(1);
  Patch(t.file()).family("tasks").type = static_cast<format::Type>(200);
  EXPECT_EQ(ended(forked([&] {
              const Segment again(t.path());
              Family<Gauge>("tasks", "", {}, {.mode = Mode::kMax, .segment = again}).set(5);
            })),
            0);
  EXPECT_EQ(t.scrape().gauge("tasks"), 5);
}

TEST(LaterVersions, ARecordOfAnUnknownKindIsSkipped) {
  TempSegment t;
  t.counter("tasks").inc();
  t.counter("others").inc();
  Patch(t.file()).series("others").record.kind = static_cast<format::Kind>(3);
  EXPECT_EQ(faults(t), std::vector<std::string>());
  EXPECT_EQ(t.scraped("tasks"), 1u);
  EXPECT_FALSE(t.scrape().has("others", {}));
}

TEST(LaterVersions, AnUnknownStateIsNotLive) {
  TempSegment t;
  t.counter("tasks").inc();
  Patch(t.file()).series("tasks").record.state.store(5, std::memory_order_relaxed);
  EXPECT_EQ(faults(t), std::vector<std::string>());
  EXPECT_FALSE(t.scrape().has("tasks", {}));
}

// The part of fixed size may be longer than this version's; what it has is where it was.
TEST(LaterVersions, AFixedPartMayBeLongerButNotShorter) {
  TempSegment t;
  t.counter("tasks").inc();
  format::SeriesRecord& series = Patch(t.file()).series("tasks");
  ASSERT_EQ(series.record.fixed, format::kSeriesFixed20);
  ASSERT_EQ(series.record.bytes, format::kSeriesFixed20);  // it has no label values
  series.record.fixed = format::kSeriesFixed20 - 8;
  EXPECT_EQ(faults(t).size(), 1u);
  series.record.fixed = format::kSeriesFixed20 + 8;
  EXPECT_EQ(faults(t).size(), 1u);  // longer than the record
  series.record.fixed = format::kSeriesFixed20;
  EXPECT_EQ(faults(t), std::vector<std::string>());

  TempSegment labelled;
  Family<Counter>("tasks", "", {"name"}, labelled.options()).labels("an image").inc();
  format::SeriesRecord& longer = Patch(labelled.file()).series("tasks", "an image");
  longer.record.fixed += 8;  // over the label value, which stands where `strings` says
  EXPECT_EQ(faults(labelled), std::vector<std::string>());
  EXPECT_EQ(labelled.scrape().count("tasks", {"an image"}), 1u);
}

TEST(LaterVersions, StringsMayStandElsewhereInTheDirectoryButNotOutside) {
  TempSegment t;
  const Family<Counter> tasks("tasks", "", {"name"}, t.options());
  tasks.labels("first").inc(1);
  tasks.labels("other").inc(2);
  Patch patch(t.file());
  format::SeriesRecord& first = patch.series("tasks", "first");
  format::SeriesRecord& other = patch.series("tasks", "other");
  std::swap(first.strings, other.strings);
  EXPECT_EQ(faults(t), std::vector<std::string>());
  EXPECT_EQ(t.scrape().count("tasks", {"first"}), 2u);
  const std::uint64_t index = patch.header().index;
  for (const std::uint64_t outside : {std::uint64_t{0}, std::uint64_t{8}, index, kTera}) {
    first.strings = outside;
    EXPECT_EQ(faults(t).size(), 1u) << outside;
  }
}

}  // namespace
}  // namespace metrics::test
