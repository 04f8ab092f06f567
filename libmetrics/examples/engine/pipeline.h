// pipeline.h -- what the example engine runs: one pipeline over and over, each time for another
// file.
//
//   start -> count_words -> worth_compressing? -yes-> compress -> verify -> end
//                                              `no------------------------> end
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace example {

using PipelineId = std::uint64_t;

enum class NodeId : std::uint32_t {
  kStart,
  kCountWords,
  kWorthCompressing,
  kCompress,
  kVerify,
  kEnd
};

struct NodeDefinition {
  const char* type;
  const char* code;     // a service's component code and version; nullptr for other nodes
  const char* inputs;   // names of context values
  const char* outputs;  // likewise
  std::optional<NodeId> next;
};

inline constexpr std::array<NodeDefinition, 6> kNodes = {{
    {"EmptyStartEvent", nullptr, "", "", NodeId::kCountWords},
    {"ServiceActivity", "count_words_v1", "file", "words", NodeId::kWorthCompressing},
    {"ExclusiveGateway", nullptr, "size", "", NodeId::kCompress},
    {"ServiceActivity", "compress_v1", "file", "archive crc", NodeId::kVerify},
    {"ServiceActivity", "verify_v1", "archive", "verified", NodeId::kEnd},
    {"EmptyEndEvent", nullptr, "", "", std::nullopt},
}};

constexpr std::size_t index(NodeId id) { return static_cast<std::size_t>(id); }
constexpr const NodeDefinition& definition_of(NodeId id) { return kNodes[index(id)]; }

}  // namespace example
