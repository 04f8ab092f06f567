#include "libmetrics/reader/verify.h"

#include "libmetrics/reader/faults.h"
#include "libmetrics/reader/verify_directory.h"
#include "libmetrics/reader/verify_values.h"
#include "libmetrics/reader/written_heads.h"

namespace metrics::reader {
namespace {

void check_head(const HeadCopy& head, const format::Geometry& g, Faults& faults) {
  const std::string where = "head of slot " + std::to_string(head.slot);
  const bool is_first = head.slot >= 1 && head.slot <= g.first_slots;
  if (is_first && head.generation > format::kMaxGeneration) {
    add_fault(faults,
              where + " has generation " + std::to_string(head.generation) + ", out of range");
  }
  if (!is_first && head.slot > 0 && head.owner.word() != 0) {
    const format::Owner owner = head.owner;
    if (owner.slot < 1 || owner.slot > g.first_slots || owner.generation < 1 ||
        owner.generation > format::kMaxGeneration) {
      add_fault(faults, where + " names an owner that can't be: slot " +
                            std::to_string(owner.slot) + ", generation " +
                            std::to_string(owner.generation));
    }
  }
  if (head.slot == 0 && (head.owner.word() != 0 || head.generation != 0)) {
    add_fault(faults, where + " names an owner, but it is everybody's");
  }
}

void check_heads(Reader& reader, Faults& faults) {
  const bool fine = visit_written_heads(reader, [&](const HeadCopy& head) {
    check_head(head, reader.geometry(), faults);
    return !is_full(faults);
  });
  if (!fine) add_fault(faults, reader.why());
}

void check_locks(const Reader& reader, Faults& faults) {
  const std::vector<format::Ownership> owners = reader.owners();
  for (format::SlotIndex slot = 1; slot <= reader.usage().first_slots_used; ++slot) {
    if (owners[slot].state == format::Ownership::State::kUnknown) {
      add_fault(faults, "lock of slot " + std::to_string(slot) + " is not one that a worker takes");
    }
  }
}

}  // namespace

std::vector<std::string> verify(Reader& reader, const Progress& progress) {
  Faults faults;
  if (!reader.look_at_header()) return {reader.why()};
  const VerifiedDirectory directory(reader, faults);
  if (!directory.is_read()) return {reader.why()};
  check_heads(reader, faults);
  check_locks(reader, faults);
  verify_values(reader, directory, faults, progress);
  return faults;
}

}  // namespace metrics::reader
