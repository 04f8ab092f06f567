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
inline constexpr std::uint64_t kWord = sizeof(std::uint64_t);
// Returns how many words that many bytes take.
constexpr std::uint64_t words(std::uint64_t bytes) noexcept { return (bytes + kWord - 1) / kWord; }
inline constexpr std::size_t kPage =
    4096;  // the least alignment of parts; creation uses the system's page if larger

inline constexpr std::uint64_t kMagic = 0x0a73636972746d89;  // 0x89 "mtrics" newline
inline constexpr std::uint32_t kMajor = 2;                   // also the suffix of the file's name
inline constexpr std::uint32_t kMinor = 3;

// The reasons why something was not counted, or was counted in slot 0 instead of a slot of its own.
// The header has a counter for each, which the aggregator exports. The numbers are part of the
// format: new reasons are added at the end.
enum class Drop : std::uint32_t {
  kObservationNan,    // histogram or summary: NaN is no observation
  kCounterNegative,   // counter: a negative amount, or NaN
  kGaugeWithoutSlot,  // gauge: its process has no slot of its own
  kFamilyConflict,    // family refused: its process has defined another with a sample name of it
  kDirectoryFull,     // family or series refused
  kCellsFull,         // series refused
  kSeriesNoSpace,     // series refused: its pages could not be reserved
  kSlotsExhausted,    // process counts in slot 0
  kLanesExhausted,    // thread counts in slot 0
  kClaimNoSpace,      // process or thread counts in slot 0: pages could not be reserved
  kClaimUnreachable,  // process or thread counts in slot 0: the file could not be opened again
  kEditionsFull,      // family refused: its name has kMaxEditions definitions already
  kLabelValueCut,     // series looked up by a label value that was too long: it counts
  kLimit,             // series looked up beyond its family's limit: see FamilyRecord::max_series
  kStateUnknown,      // state set: its family has no such state
  kExemplarInvalid,   // exemplar: its labels are too long, or are none; the update counts
  kExemplarUnplaced,  // exemplar: its family has no places for any; likewise
  kCount,
};
inline constexpr std::size_t kDropCapacity = 32;
static_assert(static_cast<std::size_t>(Drop::kCount) <= kDropCapacity);

// The last time that something was dropped or refused for one reason, so that a reader can name it
// later. Each word is stored by itself: of two that are refused at the same moment, the words may
// be mixed, so a reader takes them for what they are, a hint for people.
struct alignas(kCacheLine) Refusal {
  Cell when_ns;              // CLOCK_REALTIME; 0: never
  Cell pid;                  // in its own pid namespace
  Cell needed;               // bytes or cells that were not there, those that are kept for other
                             // families included; 0 if that is not the reason
  std::array<Cell, 5> name;  // the family's, its first 40 bytes, padded with zeros; all zeros if a
                             // process or thread got no slot
};
static_assert(offsetof(Refusal, when_ns) == 0 && offsetof(Refusal, pid) == 8);
static_assert(offsetof(Refusal, needed) == 16 && offsetof(Refusal, name) == 24);
static_assert(sizeof(Refusal) == 64);

//   Header
//   0       8       12      16             20           24            28      32
//   +-------+-------+-------+--------------+------------+-------------+-------+
//   | magic | major | minor | header_bytes | head_bytes | first_slots | lanes |
//   +-------+-------+-------+--------------+------------+-------------+-------+
//   32: cells_per_slot, file_bytes, heads, index, index_buckets, directory, directory_bytes,
//       slots, slot_bytes, created_ns, id (8 bytes each)
//   120 features | 124 writer_features (4 bytes each) | 128 hash_seed[2] | 144 taken_ns
//   192 directory_used | 256 cells_used |
//   320 first_slots_used, lanes_used, first_slot_hand, lane_hand | 384 clock |
//   448 reuses | 512 starts, hand, unowned | 576 dropped[32] | 832 refusals[32] |
//   2880 dropped_since[32]
//   The creator writes the words before 192 once, before the file gets its name. All workers write
//   the words from 192 on; each offset named there begins a cache line.
struct Header {
  std::uint64_t magic;
  std::uint32_t major;
  std::uint32_t minor;
  std::uint32_t header_bytes;  // sizeof(Header) in the creator's library: fields beyond read as 0
  std::uint32_t head_bytes;    // stride of the table of heads
  std::uint32_t first_slots;   // slots 1..first_slots
  std::uint32_t lanes;         // slots first_slots+1..first_slots+lanes
  std::uint64_t cells_per_slot;
  std::uint64_t file_bytes;
  std::uint64_t heads;          // offset of the head of slot 0
  std::uint64_t index;          // offset of the first chain's entry
  std::uint64_t index_buckets;  // a power of two
  std::uint64_t directory;      // offset of the first record
  std::uint64_t directory_bytes;
  std::uint64_t slots;            // offset of slot 0
  std::uint64_t slot_bytes;       // stride of slots
  std::uint64_t created_ns;       // CLOCK_REALTIME
  std::uint64_t id;               // random: distinguishes a recreated segment from its predecessor
  std::uint32_t features;         // who doesn't know a bit of it must neither join nor read
  std::uint32_t writer_features;  // who doesn't know a bit of it must not join, but may read
  std::array<std::uint64_t, 2> hash_seed;  // random, for hash.h alone, and never shown
  std::uint64_t taken_ns;                  // of a snapshot: CLOCK_REALTIME when it was taken

  alignas(kCacheLine) Cell
      directory_used;  // bytes reserved; may exceed directory_bytes by failed attempts
  alignas(kCacheLine) Cell cells_used;        // cells reserved; may exceed cells_per_slot likewise
  alignas(kCacheLine) Cell first_slots_used;  // highest first slot ever claimed
  Cell lanes_used;                            // highest lane ever claimed, counted from 1
  Cell first_slot_hand, lane_hand;            // where a search for a free one goes on: hints
  alignas(kCacheLine) Cell clock;             // counts removals
  alignas(kCacheLine) Cell reuses;            // raised before a removed record changes
  alignas(kCacheLine) Cell starts;            // numbers the processes that have joined
  Cell hand;     // the chain from which on a search for a removed record goes on: a hint
  Cell unowned;  // 1, for good: a process counts in slot 0 without the shared lock, see ownership.h
  alignas(kCacheLine) std::array<Cell, kDropCapacity> dropped;      // by Drop
  alignas(kCacheLine) std::array<Refusal, kDropCapacity> refusals;  // likewise
  // When the first one was dropped for that reason: CLOCK_REALTIME. 0 if none was, or in a file
  // before version 2.3, or if its process was killed between the count and this.
  alignas(kCacheLine) std::array<Cell, kDropCapacity> dropped_since;
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
static_assert(offsetof(Header, features) == 120 && offsetof(Header, writer_features) == 124);
static_assert(offsetof(Header, hash_seed) == 128 && offsetof(Header, taken_ns) == 144);
static_assert(offsetof(Header, directory_used) == 192 && offsetof(Header, cells_used) == 256);
static_assert(offsetof(Header, first_slots_used) == 320 && offsetof(Header, lanes_used) == 328);
static_assert(offsetof(Header, first_slot_hand) == 336 && offsetof(Header, lane_hand) == 344);
static_assert(offsetof(Header, clock) == 384 && offsetof(Header, reuses) == 448);
static_assert(offsetof(Header, starts) == 512 && offsetof(Header, hand) == 520);
static_assert(offsetof(Header, unowned) == 528 && offsetof(Header, dropped) == 576);
static_assert(offsetof(Header, refusals) == 832 && offsetof(Header, dropped_since) == 2880);
static_assert(sizeof(Header) == 3136);
static_assert(sizeof(Header) <= kPage, "the header is read and reserved as one page");
// The header of version 2.0: a smaller one is no segment's. Of a smaller one than this program's,
// the fields that are not there read as 0, and their cells are never written.
inline constexpr std::uint32_t kHeaderBytes20 = 2880;
static_assert(kHeaderBytes20 <= sizeof(Header));
// A bit of both feature words: the records and cells of removed series are used again.
inline constexpr std::uint32_t kReuse = 1;
// Likewise: the file is a copy of a segment, in which no process may count. Who owned a slot when
// it was taken stands in Head::taken, since no process can hold a lock on the copy for another one.
inline constexpr std::uint32_t kSnapshot = 2;
// What this program knows of Header::features and Header::writer_features.
inline constexpr std::uint32_t kFeatures = kReuse | kSnapshot, kWriterFeatures = kReuse;

//   Head of one slot
//   0     8               16           24        40           48      56      64
//   +-----+---------------+------------+---------+------------+-------+-------+
//   | pid | pid_namespace | claimed_ns | command | generation | owner | taken | ...
//   +-----+---------------+------------+---------+------------+-------+-------+
//   64      72    80
//   +-------+-----+---------+
//   | since | ack | dropped |
//   +-------+-----+---------+
//   pid stands before generation: a reader that has read a value, then copies the words in
//   ascending order and then finds the value's generation has that generation's pid.
struct alignas(2 * kCacheLine) Head {
  Cell pid;            // in its own pid namespace; for people and the `pid` label, decides nothing
  Cell pid_namespace;  // inode of /proc/self/ns/pid, 0 if unknown
  Cell claimed_ns;     // CLOCK_REALTIME
  std::array<Cell, 2> command;  // 16 bytes as in /proc/PID/comm, padded with zeros
  Cell generation;  // counts the owners, 0 before the first; a first slot's: see ownership.h
  Cell owner;       // of a lane: Owner::word(), 0 if it is free; see ownership.h
  Cell taken;       // of a snapshot: the generation that owned the first slot, 0 if none did; of
                    // slot 0: 1 if a process counted in it without a slot
  Cell since;       // of a first slot: the youngest `born` of the handles that an owner of it had
                    // when it claimed the slot; never goes down
  Cell ack;  // of a first slot: Header::clock when an owner of it has looked, at its claim, which
             // of those handles lead to removed series
  Cell dropped;  // of a first slot: how much its owner has dropped, see DroppedBy
};
static_assert(offsetof(Head, pid) == 0 && offsetof(Head, pid_namespace) == 8);
static_assert(offsetof(Head, claimed_ns) == 16 && offsetof(Head, command) == 24);
static_assert(offsetof(Head, generation) == 40 && offsetof(Head, owner) == 48);
static_assert(offsetof(Head, taken) == 56);
static_assert(offsetof(Head, since) == kCacheLine && offsetof(Head, ack) == kCacheLine + 8);
static_assert(offsetof(Head, dropped) == kCacheLine + 16);
static_assert(sizeof(Head) == 2 * kCacheLine,
              "workers that claim neighbouring slots must not share a line");
inline constexpr std::uint32_t kHeadBytes20 = 128;  // the least that a head has

// Head::dropped: for all reasons together, by the owner of that generation. A claim need not clear
// it, and a claim by a program before version 2.3 does not: what another generation has dropped is
// not this one's.
struct DroppedBy {
  std::uint32_t generation;
  std::uint32_t count;  // at most kMostDroppedBy, or a little more
};
inline constexpr std::uint32_t kMostDroppedBy = 1u << 31;
constexpr DroppedBy dropped_by(std::uint64_t word) noexcept {
  return {static_cast<std::uint32_t>(word >> 32), static_cast<std::uint32_t>(word)};
}
constexpr std::uint64_t dropped_word(DroppedBy d) noexcept {
  return std::uint64_t{d.generation} << 32 | d.count;
}

using Link = Cell;

// The index is an array of these, one for each chain.
struct Chain {
  Link first;   // the offset of its first record, 0 if it is empty
  Cell commit;  // the last registration of a series in this chain: see committed()
};
static_assert(offsetof(Chain, commit) == 8 && sizeof(Chain) == 16);
// Chain::commit is 0, or the number of a registration and its record. The number goes on from one
// registration in the chain to the next, so it distinguishes all that were ever made there.
struct Committed {
  std::uint32_t version;
  std::uint64_t record;  // its offset
};
constexpr Committed committed(std::uint64_t word) noexcept {
  return {static_cast<std::uint32_t>(word >> 32), (word & 0xffff'ffff) * 8};
}
constexpr std::uint64_t word_of(Committed c) noexcept {
  return std::uint64_t{c.version} << 32 | c.record / 8;
}

enum class Kind : std::uint16_t {
  kFamily = 1,
  kSeries = 2
};  // readers and registrants skip kinds that they don't know

//   Record, at an offset that is a multiple of 8
//   0      8       12     14      16     24      32
//   +------+-------+------+-------+------+-------+----------------------------+
//   | next | bytes | kind | fixed | hash | state | FamilyRecord, SeriesRecord | ...
//   +------+-------+------+-------+------+-------+----------------------------+
//   `next` is written once, by the registrant that links the next record. Everything else, unless
//   it is a Cell, is written before the record itself is linked. The part of fixed size has `fixed`
//   bytes: a program that knows fewer skips the rest, one that knows more reads 0 for what is not
//   there, and never writes a Cell that is not there.
struct Record {
  Link next;            // offset from the start of the file, 0 at the end of the chain
  std::uint32_t bytes;  // of the whole record, a multiple of 8
  Kind kind;
  std::uint16_t fixed;  // a multiple of 8
  std::uint64_t hash;   // of the identity; its low bits choose the chain
  Cell state;           // of a series: see State; of a family: 0
};
static_assert(offsetof(Record, next) == 0 && offsetof(Record, bytes) == 8);
static_assert(offsetof(Record, kind) == 12 && offsetof(Record, fixed) == 14);
static_assert(offsetof(Record, hash) == 16 && offsetof(Record, state) == 24);
static_assert(sizeof(Record) == 32);

// What a series' record is at the moment: the low bits of Record::state. The bits above them are
// part of it, so that one word tells one life of the record from every other one. FORMAT.md,
// "Removed records are used again", has the reasons.
enum class State : std::uint64_t {
  kLive = 0,        // above: the version, see Committed
  kRemoved = 1,     // above: that version. Its removal has no date yet
  kResting = 2,     // above: the date of its removal, by Header::clock
  kTaken = 3,       // above: taker_bits() of the process that fills it
  kCommitting = 4,  // above: the version that it gets if Chain::commit names it
};
inline constexpr std::uint64_t kStateMask = 7;
inline constexpr unsigned kStateBits = 3;
constexpr State state_of(std::uint64_t word) noexcept {
  return static_cast<State>(word & kStateMask);
}
// Returns the word of that state with something above it, and what stands above it.
constexpr std::uint64_t word_of(State state, std::uint64_t rest) noexcept {
  return rest << kStateBits | static_cast<std::uint64_t>(state);
}
constexpr std::uint64_t rest_of(std::uint64_t word) noexcept { return word >> kStateBits; }
// Returns that word with another state; what stands above it stays.
constexpr std::uint64_t with_state(std::uint64_t word, State state) noexcept {
  return (word & ~kStateMask) | static_cast<std::uint64_t>(state);
}

enum class Type : std::uint8_t {
  kCounter = 1,
  kGauge = 2,
  kHistogram = 3,
  kSummary = 4,
  kInfo = 5,
  kStateSet = 6
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

// A family's record: one edition of the family of that name. Its part of fixed size is followed by
// bound_count doubles, then by the strings name, help, unit, label_count label names and
// state_count states. A string is its length (u32) and its bytes; the next one begins right behind
// it.
struct FamilyRecord {
  Record record;
  Type type;
  Mode mode;  // of a gauge or a state set; of an info: kAll, or kMostRecent if the last statement
              // stays; else 0
  std::uint16_t label_count;
  std::uint32_t bound_count;
  std::int8_t schema;   // these four are a native histogram's, see native.h
  std::uint8_t native;  // 0: it has no bounds by rule; kNativeOfPositives, kNativeOfBothSigns
  std::int16_t low, high;
  std::uint16_t places;       // of exemplars, in each series; 0: it has none. See exemplar.h
  std::uint32_t max_series;   // as the first registrant has given it; 0: no limit
  std::uint16_t state_count;  // of a state set
  std::uint16_t flags;        // 0 in this version
  Cell series_used;  // at least the number of live series, except for the overflow series; not
                     // counted in a file of version 2.0
  Cell overflow;     // offset of the overflow series' record; 0: there is none yet
  Cell opened;       // the largest opened_word() of the processes that have defined it
  Cell refusals;     // a bit for each Drop of a series, an update or an exemplar of it
  std::uint32_t registrant;  // the pid of the process that has registered it, in its own pid
                             // namespace; 0 before version 2.3
  std::uint32_t reserved;
};
static_assert(offsetof(FamilyRecord, type) == 32 && offsetof(FamilyRecord, mode) == 33);
static_assert(offsetof(FamilyRecord, label_count) == 34 &&
              offsetof(FamilyRecord, bound_count) == 36);
static_assert(offsetof(FamilyRecord, schema) == 40 && offsetof(FamilyRecord, native) == 41);
static_assert(offsetof(FamilyRecord, low) == 42 && offsetof(FamilyRecord, high) == 44);
static_assert(offsetof(FamilyRecord, places) == 46 && offsetof(FamilyRecord, max_series) == 48);
static_assert(offsetof(FamilyRecord, state_count) == 52 && offsetof(FamilyRecord, flags) == 54);
static_assert(offsetof(FamilyRecord, series_used) == 56 && offsetof(FamilyRecord, overflow) == 64);
static_assert(offsetof(FamilyRecord, opened) == 72 && offsetof(FamilyRecord, refusals) == 80);
static_assert(offsetof(FamilyRecord, registrant) == 88 && sizeof(FamilyRecord) == 96);
static_assert(sizeof(FamilyRecord) % alignof(double) == 0);
inline constexpr std::uint8_t kNativeOfPositives = 1, kNativeOfBothSigns = 2;
// Returns the word of a process's definition: its number, by Header::starts, and that of the
// definition in the process. 40 bits number a thousand processes a second for 34 years.
constexpr std::uint64_t opened_word(std::uint64_t start, std::uint64_t definition) noexcept {
  constexpr std::uint64_t kMost = (1u << 24) - 1;
  return start << 24 | (definition < kMost ? definition : kMost);
}
inline constexpr std::uint16_t kFamilyFixed20 = 88;  // the least that is fixed of it

// A series' record. Its strings are the label values in the family's order, or, for an info, whose
// family has no label names, names and values in turn. They stand in `room` bytes from `strings`
// on, anywhere in the directory. A record that is not live may lack cells, room, or both; its
// family is then 0.
struct SeriesRecord {
  Record record;
  std::uint64_t family;  // offset of its record
  std::uint64_t first_cell;
  std::uint32_t cell_count;
  std::uint32_t cells_room;   // how many cells it may have from first_cell on: at least cell_count
  std::uint64_t first_place;  // of exemplars: the first cell, behind the others, in the same room
  std::uint32_t places;       // as many as its family has; else, as in version 2.1, it has none
  std::uint32_t string_count;
  std::uint64_t created_ns;  // CLOCK_REALTIME, when it was registered
  std::uint64_t born;        // Header::clock + 1, when it was registered; 0 before version 2.1
  Cell holder;  // which process with a slot has looked it up: 0, an Owner::word(), kManyHolders
  std::uint64_t strings;     // offset of the first string
  std::uint32_t room;        // bytes
  std::uint32_t registrant;  // who has registered it, see registrant_word()
};
static_assert(offsetof(SeriesRecord, family) == 32 && offsetof(SeriesRecord, first_cell) == 40);
static_assert(offsetof(SeriesRecord, cell_count) == 48 && offsetof(SeriesRecord, cells_room) == 52);
static_assert(offsetof(SeriesRecord, first_place) == 56 && offsetof(SeriesRecord, places) == 64);
static_assert(offsetof(SeriesRecord, string_count) == 68);
static_assert(offsetof(SeriesRecord, created_ns) == 72 && offsetof(SeriesRecord, born) == 80);
static_assert(offsetof(SeriesRecord, holder) == 88 && offsetof(SeriesRecord, strings) == 96);
static_assert(offsetof(SeriesRecord, room) == 104 && offsetof(SeriesRecord, registrant) == 108);
static_assert(sizeof(SeriesRecord) == 112);
inline constexpr std::uint64_t kManyHolders = ~std::uint64_t{0};
inline constexpr std::uint16_t kSeriesFixed20 = 112;  // the least that is fixed of it

// SeriesRecord::registrant is the pid of the process that has registered the series, in its own pid
// namespace, and the low half of created_ns, exclusive or. A program before version 2.3, which
// takes the record again, leaves the word of the series before: that does not fit the new
// created_ns, and what comes out is no pid, but for one in a thousand. For people; decides nothing.
inline constexpr std::uint32_t kMostPid = 1u << 22;  // of Linux
constexpr std::uint32_t registrant_word(std::uint32_t pid, std::uint64_t created_ns) noexcept {
  return pid ^ static_cast<std::uint32_t>(created_ns);
}
// Returns the pid; 0 if it is unknown.
constexpr std::uint32_t registrant_of(std::uint32_t word, std::uint64_t created_ns) noexcept {
  const std::uint32_t pid = registrant_word(word, created_ns);
  return word != 0 && pid <= kMostPid ? pid : 0;
}

// The cells of a series, which have the same index in every slot.
//   counter    whole (u64), fraction (double): the value is their sum, so whole numbers stay exact
//   histogram  one count (u64) for each bound and for +Inf, not cumulative; sum (double). With a
//              native descriptor, the bounds are those of its grid: see native.h
//   summary    count (u64); sum (double): a histogram without bounds
//   gauge      generation and version of the record, value, stamp: only in first slots, see
//              update/gauges.h
//   info       as a gauge; a process that states it sets 1
//   stateset   as a gauge; the value is the index of a state of its family
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
inline constexpr std::uint32_t kMaxStates = 256;
inline constexpr std::uint32_t kMaxStringBytes = 16 * 1024;
inline constexpr std::uint32_t kMaxRecordBytes = 1024 * 1024;
inline constexpr std::uint32_t kMaxEditions = 64;  // families that have one stem
inline constexpr std::uint32_t kMaxChain = 1024;   // records that a registrant walks over

// The last eighth of directory and cells is kept for families that have few series, so that one
// family whose label values never end leaves room for all others. An eighth of the default
// directory holds some 6,000 records of series: about 90 families of that size, more than programs
// have.
inline constexpr std::uint64_t kFewSeries = 64;
inline constexpr std::uint64_t kKeptPart = 8;

}  // namespace metrics::format
