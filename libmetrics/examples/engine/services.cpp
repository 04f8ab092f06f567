#include "libmetrics/examples/engine/services.h"

#include <zlib.h>

#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace example {
namespace {

constexpr std::size_t kMostBytes = 256 << 10;
constexpr std::size_t kChunkBytes = 64 << 10;

struct CloseGz {
  void operator()(gzFile file) const { ::gzclose(file); }
};
using Gz = std::unique_ptr<gzFile_s, CloseGz>;

Gz open_gz(const std::string& path, const char* mode) {
  Gz file(::gzopen(path.c_str(), mode));
  if (file == nullptr) throw std::runtime_error("can't open " + path);
  return file;
}

std::string chunk_of(const std::string& path, std::uint64_t offset) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("can't read " + path);
  file.seekg(static_cast<std::streamoff>(offset));
  std::string chunk(kChunkBytes, '\0');
  file.read(chunk.data(), kChunkBytes);
  chunk.resize(static_cast<std::size_t>(file.gcount()));
  return chunk;
}

unsigned long crc_of(unsigned long before, std::string_view bytes) {
  return ::crc32(before, reinterpret_cast<const Bytef*>(bytes.data()),
                 static_cast<uInt>(bytes.size()));
}

// Counts the words of a file. Fails if it is not text; throws if it is too large.
ServiceResult count_words(ExecutionData& data) {
  const std::string& file = data.inputs.at("file");
  if (std::filesystem::file_size(file) > kMostBytes) {
    throw std::runtime_error(file + " is too large to count words in");
  }
  std::uint64_t words = 0;
  std::uint64_t offset = 0;
  bool in_word = false;
  for (std::string chunk; !(chunk = chunk_of(file, offset)).empty();) {
    offset += chunk.size();
    for (const char c : chunk) {
      if (c == '\0') return {false, {}};
      const bool blank = std::isspace(static_cast<unsigned char>(c)) != 0;
      words += !blank && !in_word ? 1 : 0;
      in_word = !blank;
    }
  }
  data.outputs["words"] = std::to_string(words);
  return {true, Progress::kDone};
}

// Begins to compress a file; each poll then compresses a chunk.
ServiceResult begin_compressing(ExecutionData& data) {
  data.outputs["crc"] = std::to_string(crc_of(0, {}));
  data.outputs["offset"] = "0";
  data.outputs["size"] = "0";
  return {true, Progress::kPoll};
}

// Adds a member to the archive, so that any worker can add the next one. Fails at the end if the
// archive is not smaller than the file.
ServiceResult compress_chunk(ExecutionData& data) {
  const std::string& archive = data.outputs.at("archive");
  const std::uint64_t offset = std::stoull(data.outputs.at("offset"));
  const std::string chunk = chunk_of(data.inputs.at("file"), offset);
  if (chunk.empty() || offset >= kMostBytes) {
    const std::uint64_t size = std::stoull(data.outputs.at("size"));
    return {size < offset, Progress::kDone};
  }
  Gz file = open_gz(archive, offset == 0 ? "wb" : "ab");
  if (::gzwrite(file.get(), chunk.data(), static_cast<unsigned>(chunk.size())) <= 0) {
    throw std::runtime_error("can't write " + archive);
  }
  file.reset();
  data.outputs["size"] =
      std::to_string(std::ifstream(archive, std::ios::binary | std::ios::ate).tellg());
  data.outputs["offset"] = std::to_string(offset + chunk.size());
  data.outputs["crc"] = std::to_string(crc_of(std::stoul(data.outputs.at("crc")), chunk));
  return {true, Progress::kPoll};
}

// Verifies an archive. Throws if it is damaged; fails if its content is not what was compressed.
ServiceResult verify(ExecutionData& data, const Values& callback) {
  const Gz file = open_gz(data.inputs.at("archive"), "rb");
  std::vector<char> chunk(kChunkBytes);
  unsigned long crc = crc_of(0, {});
  int bytes = 0;
  while ((bytes = ::gzread(file.get(), chunk.data(), kChunkBytes)) > 0) {
    crc = crc_of(crc, {chunk.data(), static_cast<std::size_t>(bytes)});
  }
  int error = Z_OK;
  ::gzerror(file.get(), &error);
  if (bytes < 0 || error != Z_OK) throw std::runtime_error("the archive is damaged");
  const bool same = crc == std::stoul(callback.at("crc"));
  data.outputs["verified"] = same ? "yes" : "no";
  return {same, Progress::kDone};
}

}  // namespace

metrics::bamboo::NodeType node_type_of(NodeId id) {
  const NodeDefinition& d = definition_of(id);
  if (d.code == nullptr) return metrics::bamboo::NodeType(d.type);
  return {d.type, d.code};
}

ServiceResult execute_service(NodeId id, ExecutionData& data) {
  switch (id) {
    case NodeId::kCountWords:
      return count_words(data);
    case NodeId::kCompress:
      return begin_compressing(data);
    case NodeId::kVerify:
      return {true, Progress::kCallback};
    default:
      throw std::logic_error("no service");
  }
}

ServiceResult schedule_service(NodeId id, ExecutionData& data, const Values& callback) {
  switch (id) {
    case NodeId::kCompress:
      return compress_chunk(data);
    case NodeId::kVerify:
      return verify(data, callback);
    default:
      throw std::logic_error("no service that is scheduled");
  }
}

}  // namespace example
