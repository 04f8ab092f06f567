// harm.cpp -- e2e_harm FILE FAULT: damages a segment in one place, by the names that layout.h gives
// the places, so that a test can see the fault found. The segment has to hold what test_inspect.py
// registers.
#include <algorithm>
#include <bit>
#include <cstdio>
#include <functional>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>

#include "libmetrics/format/gauge_value.h"
#include "libmetrics/format/layout.h"
#include "tests/support/patch.h"

namespace {

using namespace metrics;
using metrics::test::Patch;

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr std::uint64_t kFarAway = std::uint64_t{1} << 40;

std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }

const std::map<std::string, std::function<void(Patch&)>> kFaults = {
    {"magic", [](Patch& s) { s.header().magic ^= 1; }},
    {"major", [](Patch& s) { s.header().major = 9; }},
    {"header size", [](Patch& s) { s.header().header_bytes = 8; }},
    {"parts", [](Patch& s) { s.header().slots -= format::kPage; }},
    {"file size", [](Patch& s) { s.header().file_bytes += format::kPage; }},
    {"chain outside", [](Patch& s) { s.series("queue").record.next.store(kFarAway, kRelaxed); }},
    {"circle",
     [](Patch& s) {
       auto& head = s.family("wait_seconds").record;
       head.next.store(s.series("queue").family, kRelaxed);
       s.family("queue").record.next.store(s.series("wait_seconds").family, kRelaxed);
     }},
    {"record size", [](Patch& s) { s.series("queue").record.bytes += 4; }},
    {"record beyond", [](Patch& s) { s.series("queue").record.bytes = format::kMaxRecordBytes; }},
    {"records overlap",
     [](Patch& s) { s.family("alpha").record.bytes += s.family("alpha").record.bytes; }},
    {"fixed part", [](Patch& s) { s.series("queue").record.fixed -= 8; }},
    {"strings outside", [](Patch& s) { s.series("alpha", "one").strings = kFarAway; }},
    {"strings shared", [](Patch& s) { s.series("alpha", "one").room += 256; }},
    {"cells without room", [](Patch& s) { s.series("queue").cells_room = 2; }},
    {"family name", [](Patch& s) { *s.name("alpha") = '\xff'; }},
    {"family twice", [](Patch& s) { *s.name("alphb") = 'a', s.name("alphb")[4] = 'a'; }},
    {"bounds",
     [](Patch& s) { std::swap(s.bounds("wait_seconds")[0], s.bounds("wait_seconds")[1]); }},
    {"bound count",
     [](Patch& s) { s.family("wait_seconds").bound_count = format::kMaxBounds + 1; }},
    {"native schema", [](Patch& s) { s.family("native_seconds").schema = 9; }},
    {"native window", [](Patch& s) { s.family("native_seconds").low = -32768; }},
    {"native buckets",
     [](Patch& s) {
       s.family("native_seconds").schema = 8;
       s.family("native_seconds").native = format::kNativeOfBothSigns;
     }},
    {"native cells", [](Patch& s) { s.family("native_seconds").schema = 4; }},
    {"string beyond",
     [](Patch& s) {
       s.name("alpha")[-3] = 0x7f;  // a byte of the length before it
     }},
    {"no family", [](Patch& s) { s.series("queue").family = s.header().directory + 8; }},
    {"cells outside", [](Patch& s) { s.series("queue").first_cell = kFarAway; }},
    {"cell count", [](Patch& s) { s.series("queue").cell_count = 2; }},
    {"cells shared",
     [](Patch& s) { s.series("alpha", "one").first_cell = s.series("alpha", "two").first_cell; }},
    {"label no UTF-8", [](Patch& s) { *s.label("alpha", "one") = '\xff'; }},
    {"series twice", [](Patch& s) { std::copy_n("two", 3, s.label("alpha", "one")); }},
    {"string count", [](Patch& s) { s.series("alpha", "one").string_count = 0; }},
    {"generation",
     [](Patch& s) { s.head(1).generation.store(format::kMaxGeneration + 1ull, kRelaxed); }},
    {"lane's owner",
     [](Patch& s) {
       s.head(s.first_lane()).owner.store(format::Owner{0, 5}.word(), kRelaxed);
     }},
    {"shared slot's owner", [](Patch& s) { s.head(0).owner.store(1, kRelaxed); }},
    {"negative fraction",
     [](Patch& s) {
       s.cells(1, s.series("alpha", "one"))[format::kCounterFraction].store(bits(-1), kRelaxed);
     }},
    {"NaN fraction",
     [](Patch& s) {
       s.cells(1, s.series("alpha", "one"))[format::kCounterFraction].store(
           bits(std::numeric_limits<double>::quiet_NaN()), kRelaxed);
     }},
    {"gauge's generation",
     [](Patch& s) {
       s.cells(1, s.series("queue"))[format::kGaugeGeneration].store(format::kMaxGeneration + 1ull,
                                                                     kRelaxed);
     }},
    {"gauge in the shared slot",
     [](Patch& s) {
       s.cells(0, s.series("queue"))[format::kGaugeValue].store(format::encode_gauge(1), kRelaxed);
     }},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc == 1) {
    for (const auto& [name, harm] : kFaults) std::printf("%s\n", name.c_str());
    return 0;
  }
  if (argc != 3 || !kFaults.contains(argv[2])) return 2;
  try {
    Patch segment(argv[1]);
    kFaults.at(argv[2])(segment);
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
