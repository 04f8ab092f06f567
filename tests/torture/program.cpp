#include "tests/torture/program.h"

namespace metrics::torture {

void compare(Run& run, const std::string& what, const std::string& path, const Tally& tally) {
  const Look look(path + ".v2");
  for (const std::string& fault : faults_of(path + ".v2")) run.fault(what + ": " + fault);
  run.check(look.count("c") == tally.counts, what + ": " + std::to_string(tally.counts) +
                                                 " acknowledged, " +
                                                 std::to_string(look.count("c")) + " scraped");
  run.check(
      look.count("h") == tally.observed &&
          (tally.observed == 0 || look.value("h") == 0.5 * static_cast<double>(tally.observed)),
      what + ": " + std::to_string(tally.observed) + " observed, " +
          std::to_string(look.count("h")) + " scraped with sum " + std::to_string(look.value("h")));
}

}  // namespace metrics::torture
