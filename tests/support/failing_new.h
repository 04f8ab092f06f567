// failing_new.h -- lets a thread's allocations fail. A program that has this source stands in for
// operator new; tests link it by name, since most must not.
#pragma once

namespace metrics::test {

// Makes operator new ask `fails` before each allocation of the calling thread. nullptr: none fails.
void set_failing(bool (*fails)()) noexcept;

}  // namespace metrics::test
