// wrong.cpp -- a definition that breaks the rules, in a program that is built without exceptions,
// which must log what is wrong and abort.
#include <metrics/metrics.hpp>

int main() { const metrics::Family<metrics::Counter> wrong{"", "Help."}; }
