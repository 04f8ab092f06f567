#include "tests/torture/scarce_memory.h"

#include "tests/support/failing_new.h"

namespace metrics::torture {
namespace {

thread_local std::mt19937_64* chance = nullptr;
thread_local unsigned one_in = 0;
thread_local std::uint64_t failures = 0;

bool fails() {
  if ((*chance)() % one_in != 0) return false;
  ++failures;
  return true;
}

}  // namespace

ScarceMemory::ScarceMemory(std::mt19937_64& random, unsigned every) {
  one_in = every;
  chance = &random;
  test::set_failing(&fails);
}

ScarceMemory::~ScarceMemory() { test::set_failing(nullptr); }

std::uint64_t ScarceMemory::failed() { return failures; }

}  // namespace metrics::torture
