// wrong.cpp -- a definition against the rules, in a program that is built without exceptions: it must say what is wrong
// and abort.
#include <metrics/metrics.hpp>

int main() { const metrics::Family<metrics::Counter> wrong{"a b", "Help."}; }
