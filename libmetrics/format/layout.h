// layout.h -- where everything lives in a segment. Nothing here runs; this file is the format.
// FORMAT.md has the reasons.
//
//   file    header | heads | index | directory | slot 0 | ... | slot first_slots | lane 1 | ...
//
// Each part begins on a page of its own; the header holds the offsets and sizes. Every word is
// written in the byte order of the machine, which a segment never leaves.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace metrics::format {

using Cell = std::atomic<std::uint64_t>;
static_assert(Cell::is_always_lock_free && sizeof(Cell) == 8,
              "a locking atomic keeps its lock in the process, not in the segment");

inline constexpr std::size_t kCacheLine = 64;
inline constexpr std::size_t kPage =
    4096;  // the least alignment of parts; creation uses the system's page if larger

inline constexpr std::uint64_t kMagic = 0x0a73636972746d89;  // 0x89 "mtrics" newline
inline constexpr std::uint32_t kMajor = 1;                   // also the suffix of the file's name
inline constexpr std::uint32_t kMinor = 0;

// The reasons why something was not counted, or was counted in slot 0 instead of a slot of its own.
// The header has a counter for each, which the aggregator exports. The numbers are part of the
// format: new reasons are added at the end.
enum class Drop : std::uint32_t {
  kObservationNan,    // histogram or summary: NaN is no observation
  kCounterNegative,   // counter: a negative amount, or NaN
  kGaugeWithoutSlot,  // gauge: its process has no slot of its own
  kFamilyConflict,    // family refused: another one owns a sample name, or the definitions differ
  kDirectoryFull,     // family or series refused
  kCellsFull,         // series refused
  kSeriesNoSpace,     // series refused: its pages could not be reserved
  kSlotsExhausted,    // process counts in slot 0
  kLanesExhausted,    // thread counts in slot 0
  kClaimNoSpace,      // process or thread counts in slot 0: pages could not be reserved
  kClaimUnreachable,  // process or thread counts in slot 0: the file could not be opened again
  kCount,
};
inline constexpr std::size_t kDropCapacity = 32;
static_assert(static_cast<std::size_t>(Drop::kCount) <= kDropCapacity);

//   Header
//   0       8       12      16             20           24            28      32
//   +-------+-------+-------+--------------+------------+-------------+-------+
//   | magic | major | minor | header_bytes | head_bytes | first_slots | lanes |
//   +-------+-------+-------+--------------+------------+-------------+-------+
//   32: cells_per_slot, file_bytes, heads, index, index_buckets, directory, directory_bytes,
//       slots, slot_bytes, created_ns, id (8 bytes each)
//   128 directory_used | 192 cells_used | 256 first_slots_used, lanes_used | 320 dropped[32]
//   The creator writes the words before 128 once, before the file gets its name. All workers write
//   the words from 128 on; each offset named there begins a cache line.
struct Header {
  std::uint64_t magic;
  std::uint32_t major;
  std::uint32_t minor;
  std::uint32_t header_bytes;  // sizeof(Header) in the creator's library: fields beyond are absent
  std::uint32_t head_bytes;    // stride of the table of heads
  std::uint32_t first_slots;   // slots 1..first_slots
  std::uint32_t lanes;         // slots first_slots+1..first_slots+lanes
  std::uint64_t cells_per_slot;
  std::uint64_t file_bytes;
  std::uint64_t heads;          // offset of the head of slot 0
  std::uint64_t index;          // offset of the first chain's head
  std::uint64_t index_buckets;  // a power of two
  std::uint64_t directory;      // offset of the first record
  std::uint64_t directory_bytes;
  std::uint64_t slots;       // offset of slot 0
  std::uint64_t slot_bytes;  // stride of slots
  std::uint64_t created_ns;  // CLOCK_REALTIME
  std::uint64_t id;          // random: distinguishes a recreated segment from its predecessor

  alignas(kCacheLine) Cell
      directory_used;  // bytes reserved; may exceed directory_bytes by failed attempts
  alignas(kCacheLine) Cell cells_used;        // cells reserved; may exceed cells_per_slot likewise
  alignas(kCacheLine) Cell first_slots_used;  // highest first slot ever claimed
  Cell lanes_used;                            // highest lane ever claimed, counted from 1
  alignas(kCacheLine) std::array<Cell, kDropCapacity> dropped;  // by Drop
};
static_assert(offsetof(Header, magic) == 0 && offsetof(Header, major) == 8);
static_assert(offsetof(Header, minor) == 12 && offsetof(Header, header_bytes) == 16);
static_assert(offsetof(Header, head_bytes) == 20 && offsetof(Header, first_slots) == 24);
static_assert(offsetof(Header, lanes) == 28 && offsetof(Header, cells_per_slot) == 32);
static_assert(offsetof(Header, file_bytes) == 40 && offsetof(Header, heads) == 48);
static_assert(offsetof(Header, index) == 56 && offsetof(Header, index_buckets) == 64);
static_assert(offsetof(Header, directory) == 72 && offsetof(Header, directory_bytes) == 80);
static_assert(offsetof(Header, slots) == 88 && offsetof(Header, slot_bytes) == 96);
static_assert(offsetof(Header, created_ns) == 104 && offsetof(Header, id) == 112);
static_assert(offsetof(Header, directory_used) == 128 && offsetof(Header, cells_used) == 192);
static_assert(offsetof(Header, first_slots_used) == 256 && offsetof(Header, lanes_used) == 264);
static_assert(offsetof(Header, dropped) == 320);
static_assert(sizeof(Header) <= kPage, "the header is read and reserved as one page");

//   Head of one slot
//   0     8               16           24        40           48      56
//   +-----+---------------+------------+---------+------------+-------+----------+
//   | pid | pid_namespace | claimed_ns | command | generation | owner | reserved |
//   +-----+---------------+------------+---------+------------+-------+----------+
//   pid stands before generation: a reader that has read a value, then copies the words in
//   ascending order and then finds the value's generation has that generation's pid.
struct alignas(kCacheLine) Head {
  Cell pid;            // in its own pid namespace; for people and the `pid` label, decides nothing
  Cell pid_namespace;  // inode of /proc/self/ns/pid, 0 if unknown
  Cell claimed_ns;     // CLOCK_REALTIME
  std::array<Cell, 2> command;  // 16 bytes as in /proc/PID/comm, padded with zeros
  Cell generation;  // counts the owners, 0 before the first; a first slot's: see ownership.h
  Cell owner;       // of a lane: Owner::word(), 0 if it is free; see ownership.h
  Cell reserved;
};
static_assert(offsetof(Head, pid) == 0 && offsetof(Head, pid_namespace) == 8);
static_assert(offsetof(Head, claimed_ns) == 16 && offsetof(Head, command) == 24);
static_assert(offsetof(Head, generation) == 40 && offsetof(Head, owner) == 48);
static_assert(sizeof(Head) == kCacheLine,
              "workers that claim neighbouring slots must not share a line");

// The index is an array of these, one for each chain: the offset of its first record, 0 if empty.
using Link = Cell;

enum class Kind : std::uint32_t {
  kFamily = 1,
  kSeries = 2
};  // readers skip kinds that they don't know

//   Record, at an offset that is a multiple of 8
//   0      8      12     16     24        32
//   +------+-------+------+------+---------+----------------------------+
//   | next | bytes | kind | hash | removed | FamilyRecord, SeriesRecord | ...
//   +------+-------+------+------+---------+----------------------------+
//   `next` is written once, by the registrant that links the next record. Everything else is
//   written before the record itself is linked, except for `removed`, which goes from 0 to 1 once.
struct Record {
  Link next;            // offset from the start of the file, 0 at the end of the chain
  std::uint32_t bytes;  // of the whole record, a multiple of 8
  Kind kind;
  std::uint64_t hash;  // of the identity; its low bits choose the chain
  Cell removed;
};
static_assert(offsetof(Record, next) == 0 && offsetof(Record, bytes) == 8);
static_assert(offsetof(Record, kind) == 12 && offsetof(Record, hash) == 16);
static_assert(offsetof(Record, removed) == 24 && sizeof(Record) == 32);

enum class Type : std::uint8_t {
  kCounter = 1,
  kGauge = 2,
  kHistogram = 3,
  kSummary = 4,
  kInfo = 5
};

// How the values that many processes give one gauge are merged; the names are client_python's.
enum class Mode : std::uint8_t {
  kAll,
  kLiveAll,
  kSum,
  kLiveSum,
  kMin,
  kLiveMin,
  kMax,
  kLiveMax,
  kMostRecent,
  kLiveMostRecent,
};
inline constexpr std::uint8_t kModeCount = 10;

// A family's record. It is followed by bound_count doubles, then by the strings name, help, unit
// and label_count label names. A string is its length (u32) and its bytes; the next one begins
// right behind it.
struct FamilyRecord {
  Record record;
  Type type;
  Mode mode;  // of a gauge; else 0
  std::uint16_t label_count;
  std::uint32_t bound_count;
};
static_assert(offsetof(FamilyRecord, type) == 32 && offsetof(FamilyRecord, mode) == 33);
static_assert(offsetof(FamilyRecord, label_count) == 34 &&
              offsetof(FamilyRecord, bound_count) == 36);
static_assert(sizeof(FamilyRecord) == 40 && sizeof(FamilyRecord) % alignof(double) == 0);

// A series' record. It is followed by string_count strings: the label values in the family's order,
// or, for an info, whose family has no label names, names and values in turn.
struct SeriesRecord {
  Record record;
  std::uint64_t family;  // offset of its record
  std::uint64_t first_cell;
  std::uint32_t cell_count;
  std::uint32_t string_count;
};
static_assert(offsetof(SeriesRecord, family) == 32 && offsetof(SeriesRecord, first_cell) == 40);
static_assert(offsetof(SeriesRecord, cell_count) == 48 &&
              offsetof(SeriesRecord, string_count) == 52);
static_assert(sizeof(SeriesRecord) == 56);

// The cells of a series, which have the same index in every slot.
//   counter    whole (u64), fraction (double): the value is their sum, so whole numbers stay exact
//   histogram  one count (u64) for each bound and for +Inf, not cumulative; sum (double)
//   summary    count (u64); sum (double): a histogram without bounds
//   gauge      generation, value, stamp: only in first slots, see update/gauges.h
//   info       no cells
inline constexpr std::uint32_t kCounterCells = 2;
inline constexpr std::uint32_t kCounterFraction = 1;
inline constexpr std::uint32_t kGaugeCells = 3;
inline constexpr std::uint32_t kGaugeGeneration = 0, kGaugeValue = 1, kGaugeStamp = 2;
constexpr std::uint32_t histogram_cells(std::uint32_t bound_count) { return bound_count + 2; }
constexpr std::uint32_t histogram_sum(std::uint32_t bound_count) { return bound_count + 1; }

// A gauge's value is stored as its bits XOR this NaN, so that a fresh page of zeros reads "unset",
// which no mode counts. If a program sets this NaN, another NaN is stored.
inline constexpr std::uint64_t kUnset = 0x7ff8'6e6f'7473'6574;

// Limits that bound every walk; a definition beyond them is refused when a program makes it.
inline constexpr std::uint32_t kMaxLabels = 64;
inline constexpr std::uint32_t kMaxBounds = 1024;
inline constexpr std::uint32_t kMaxStringBytes = 16 * 1024;
inline constexpr std::uint32_t kMaxRecordBytes = 1024 * 1024;

}  // namespace metrics::format
