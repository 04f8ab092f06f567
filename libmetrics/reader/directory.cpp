#include "libmetrics/reader/directory.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <utility>

#include "libmetrics/format/editions.h"
#include "libmetrics/reader/directory_changes.h"
#include "libmetrics/reader/mapping.h"
#include "libmetrics/reader/overlooked.h"

namespace metrics::reader {
namespace {

// How much is copied at once only to be compared: it stays in the processor's cache.
constexpr std::uint64_t kCompared = 16 * kBlock;

// Returns true if a block has other bytes, of those that are left.
bool is_different(const std::byte* now, const std::byte* known, std::uint64_t left) noexcept {
  return std::memcmp(now, known, std::min(kBlock, left)) != 0;
}

// Finds the blocks that differ, without a copy. Returns false if the file was truncated meanwhile.
bool find_in_mapping(const Directory::Source& source, const std::byte* known,
                     std::vector<std::uint32_t>& different) {
  different.resize((source.bytes + kBlock - 1) / kBlock);
  const std::size_t parts = source.threads.parts(format::words(source.bytes));
  // Each part finds those from one of these on, and tells how far they reach.
  std::vector<std::size_t> begins(parts + 1), ends(parts);
  for (std::size_t part = 0; part <= parts; ++part) begins[part] = different.size() * part / parts;
  std::atomic<bool> is_truncated = false;
  in_parts(parts, [&](std::size_t part) {
    std::size_t count = begins[part];
    const bool is_read = read_guarded([&] {
      for (std::size_t block = begins[part]; block < begins[part + 1]; ++block) {
        const std::uint64_t at = block * kBlock;
        if (is_different(source.mapped + at, known + at, source.bytes - at)) {
          different[count++] = static_cast<std::uint32_t>(block);
        }
      }
    });
    ends[part] = count;
    // Threads are joined before it is read.
    if (!is_read) is_truncated.store(true, std::memory_order_relaxed);
  });
  std::size_t count = 0;
  for (std::size_t part = 0; part < parts; ++part) {
    for (std::size_t i = begins[part]; i < ends[part]; ++i) different[count++] = different[i];
  }
  different.resize(count);
  return !is_truncated.load(std::memory_order_relaxed);
}

// Finds the blocks that are not as in a copy of the directory. Returns false if they can't be read.
bool find_different(const Directory::Source& source, const Words& copy,
                    std::vector<std::uint32_t>& different) {
  const auto* const known = reinterpret_cast<const std::byte*>(copy.data());
  if (source.mapped != nullptr && find_in_mapping(source, known, different)) return true;
  std::vector<std::byte> piece(kCompared);
  different.clear();
  for (std::uint64_t begin = 0; begin < source.bytes; begin += kCompared) {
    const std::uint64_t size = std::min(kCompared, source.bytes - begin);
    if (!source.copy(source.geometry.index + begin, size, piece.data())) return false;
    for (std::uint64_t at = 0; at < size; at += kBlock) {
      if (is_different(piece.data() + at, known + begin + at, size - at)) {
        different.push_back(static_cast<std::uint32_t>((begin + at) / kBlock));
      }
    }
  }
  return true;
}

// Copies the directory again. If the two copies differ, the first one is in `former` then, and the
// second one where the first was. Returns false if the directory can't be read.
bool copy_again(const Directory::Source& source, Words& copy, Words& former) {
  std::vector<std::uint64_t> piece(kCompared / format::kWord);
  for (std::uint64_t begin = 0; begin < source.bytes; begin += kCompared) {
    const std::uint64_t size = std::min(kCompared, source.bytes - begin);
    if (!source.copy(source.geometry.index + begin, size, piece.data())) return false;
    std::uint64_t* const there = copy.data() + begin / format::kWord;
    if (std::memcmp(piece.data(), there, size) == 0) continue;
    if (former.empty()) former = copy;
    std::memcpy(there, piece.data(), size);
  }
  return true;
}

}  // namespace

format::Window Directory::newest(format::Offset index) const noexcept {
  return window_of(index_ ? catalogue_->records : known_, index);
}

void Directory::forget() noexcept {
  catalogue_.reset();
  index_.reset();
  unsettled_.clear();
  let_go(known_);
}

// Returns true if the directory is byte by byte what the catalogue was made of. Compares in the
// mapping, without a copy.
bool Directory::is_as_known(const Source& source) const {
  if (source.mapped == nullptr || catalogue_ == nullptr ||
      known_.size() != format::words(source.bytes) || !(catalogue_->geometry == source.geometry)) {
    return false;
  }
  bool same = false;
  return read_guarded(
             [&] { same = std::memcmp(source.mapped, known_.data(), source.bytes) == 0; }) &&
         same;
}

// Returns true if what has changed since the catalogue was made changes nothing that is shown. Each
// process that starts writes such words, and must not have its reader parse everything anew.
bool Directory::shows_the_same(const Source& source, const Words& copy) const {
  if (catalogue_ == nullptr || known_.size() != copy.size() ||
      !(catalogue_->geometry == source.geometry) ||
      !only_overlooked(known_, copy, catalogue_->contents, source.geometry)) {
    return false;
  }
  const auto& groups = catalogue_->groups;
  if (groups.size() == catalogue_->contents.families.size() &&
      std::none_of(groups.begin(), groups.end(),
                   [](const auto& g) { return g.hidden_by || g.yields_to; })) {
    return true;
  }
  std::vector<format::FamilyView> families = catalogue_->contents.families;
  const format::Window now = window_of(copy, source.geometry.index);
  for (format::FamilyView& f : families) {
    f.opened = now.at<format::FamilyRecord>(f.offset)->opened.load(std::memory_order_relaxed);
  }
  return format::grouped(families) == groups;
}

Directory::Outcome Directory::refresh(const Source& source, const Allowance& allowance) {
  if (index_) {
    if (const auto outcome = go_on(source, allowance)) return *outcome;
    forget();
  } else if (is_as_known(source)) {
    return Outcome::kFine;
  }
  return read_anew(source, allowance);
}

// Takes in what has changed. An empty optional: everything has to be read anew.
std::optional<Directory::Outcome> Directory::go_on(const Source& source,
                                                   const Allowance& allowance) {
  Words& records = catalogue_->records;
  if (!(catalogue_->geometry == source.geometry) || format::words(source.bytes) < records.size() ||
      format::words(source.bytes) > records.capacity()) {
    return std::nullopt;
  }
  records.resize(format::words(source.bytes), 0);
  std::vector<std::uint32_t> different;
  if (!find_different(source, records, different)) return Outcome::kUnreadable;
  if (different.empty() && unsettled_.empty()) return Outcome::kFine;
  // To read most blocks one by one would take longer than to read all.
  constexpr std::uint64_t kFew = 64;
  const bool is_much = different.size() > kFew;
  if (is_much && 2 * different.size() * kBlock > source.bytes) return std::nullopt;
  if (is_much && allowance.is_over()) return Outcome::kTooLate;
  using Changed = DirectoryChanges::Outcome;
  switch (DirectoryChanges(*catalogue_, *index_, unsettled_, source.copy).take(different)) {
    case Changed::kSame:
      return Outcome::kFine;
    case Changed::kUnreadable:
      forget();
      return Outcome::kUnreadable;
    case Changed::kElse:
      return std::nullopt;
    case Changed::kChanged:
      catalogue_->former = catalogue_.get();
      break;
    case Changed::kShownOtherwise:
      catalogue_->former = nullptr;
      break;
  }
  catalogue_ = std::make_shared<Catalogue>(std::move(*catalogue_));
  return Outcome::kFine;
}

Directory::Outcome Directory::read_anew(const Source& source, const Allowance& allowance) {
  const format::Geometry& g = source.geometry;
  auto fresh = std::make_shared<Catalogue>();
  Words& records = fresh->records;
  // As large as the directory may become, if that is reserved: views lead into it, and pages that
  // are not used take no memory.
  const std::uint64_t most = g.directory - g.index + g.directory_bytes;
  try {
    records.reserve(format::words(std::max(source.bytes, std::min(most, source.space_taken))));
  } catch (const std::bad_alloc&) {
    records.reserve(format::words(source.bytes));
  }
  prefer_large_pages(records.data(), source.bytes);
  records.resize(format::words(source.bytes));
  if (!source.copy_sparse(g.index, source.bytes, records.data())) return Outcome::kUnreadable;
  if (shows_the_same(source, records)) {
    known_ = std::move(records);
    return Outcome::kFine;
  }
  if (allowance.is_over()) return Outcome::kTooLate;
  Words former;
  if (!copy_again(source, records, former)) return Outcome::kUnreadable;
  const Words& links = former.empty() ? records : former;
  fresh->geometry = g;
  Identities identities;
  auto read = contents(
      window_of(links, g.index), window_of(records, g.index), g, &fresh->faults,
      [&] { return allowance.is_over(); }, &identities);
  if (!read) return Outcome::kTooLate;
  fresh->contents = std::move(*read);
  fresh->groups = format::grouped(fresh->contents.families);
  for (const format::SeriesView& s : fresh->contents.series) {
    fresh->cells = std::max(fresh->cells, s.end_cell());
  }
  fresh->cost_of_sums = SumCosts(fresh->contents, fresh->groups).of_all();
  catalogue_ = std::move(fresh);
  unsettled_.clear();
  index_.reset();
  if (catalogue_->faults.empty()) {
    index_ = RecordIndex::of(catalogue_->contents, std::move(identities),
                             window_of(catalogue_->records, g.index), g);
  }
  let_go(known_);
  if (index_) {
    leave_out_unknown_links();
  } else {
    known_ = links;
  }
  return Outcome::kFine;
}

// A link to a record that was not read is found to differ the next time. So is a series that was
// live in the second copy alone.
void Directory::leave_out_unknown_links() {
  const format::Geometry& g = catalogue_->geometry;
  Words& records = catalogue_->records;
  const auto word = [&](format::Offset offset) -> std::uint64_t& {
    return records[(offset - g.index) / sizeof(std::uint64_t)];
  };
  const auto check = [&](format::Offset link) {
    if (word(link) != 0 && !index_->at(word(link))) word(link) = 0;
  };
  for (std::uint64_t i = 0; i < g.index_buckets; ++i) {
    check(g.index + i * sizeof(format::Chain) + offsetof(format::Chain, first));
  }
  const Contents& contents = catalogue_->contents;
  for (const auto& f : contents.families) check(f.offset + offsetof(format::Record, next));
  for (const auto& s : contents.series) check(s.offset + offsetof(format::Record, next));
  for (const format::Offset offset : contents.idle) {
    check(offset + offsetof(format::Record, next));
    const std::uint64_t state = word(offset + offsetof(format::Record, state));
    if (format::state_of(state) == format::State::kLive) unsettled_.insert(offset);
  }
}

}  // namespace metrics::reader
