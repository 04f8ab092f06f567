// bamboo.cpp -- what the author of an engine writes, using only the installed headers.
#include <metrics/bamboo.hpp>
#include <utility>

namespace bamboo = metrics::bamboo;

int main() {
  const bamboo::Engine engine;
  const bamboo::Node node = engine.node(bamboo::NodeType("ServiceActivity", "hash_v1"));
  const bamboo::Running running = engine.process_run();
  auto pre = node.execute();
  { const metrics::Timer timer = engine.runtime<bamboo::Metric::kStateRead>(); }
  auto logic = std::move(pre).handler_pre_process().logic();
  auto post = std::move(logic).handler_post_process(bamboo::Outcome::kSucceeded).post_process();
}
