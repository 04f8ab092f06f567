#include "libmetrics/examples/engine/runtime.h"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace example {
namespace {

namespace fs = std::filesystem;

// Reads a file with a `name=value` on each line.
Values read_values(const fs::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("there is no " + path.string());
  Values values;
  for (std::string line; std::getline(file, line);) {
    const std::size_t equals = line.find('=');
    values[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return values;
}

// Writes such a file, so that readers see it complete or not at all.
void write_values(const fs::path& path, const Values& values) {
  const fs::path draft = path.string() + ".draft";
  {
    std::ofstream file(draft);
    for (const auto& [name, value] : values) file << name << '=' << value << '\n';
    if (!file.flush()) throw std::runtime_error("can't write " + draft.string());
  }
  fs::rename(draft, path);
}

Names split(const std::string& text) {
  std::istringstream words(text);
  Names names;
  for (std::string name; words >> name;) names.push_back(name);
  return names;
}

}  // namespace

using bamboo::Metric;

// The only place where accesses are measured: the timer observes when the access returns or throws.
template <Metric M, class Access>
auto Runtime::timed(Access access) {
  const Ledger::Afterwards recorded(ledger_, M);
  const metrics::Timer timer = engine_.runtime<M>();
  return access();
}

fs::path Runtime::file(PipelineId id, const char* what) const { return directory(id) / what; }

fs::path Runtime::file(PipelineId id, NodeId node, const char* what) const {
  return directory(id) / (std::to_string(index(node)) + '.' + what);
}

void Runtime::create(PipelineId id, const Values& context) {
  fs::create_directory(directory(id));
  write_values(file(id, "process"), {{"pipeline", std::to_string(id)}});
  write_values(file(id, "context"), context);
  for (std::size_t i = 0; i < kNodes.size(); ++i) {
    const NodeId node = static_cast<NodeId>(i);
    const NodeDefinition& d = kNodes[i];
    write_values(file(id, node, "node"), {{"type", d.type}, {"code", d.code ? d.code : ""}});
    write_values(file(id, node, "data"), {{"inputs", d.inputs}, {"outputs", d.outputs}});
    write_values(file(id, node, "state"), {{"state", "ready"}});
  }
}

void Runtime::remove(PipelineId id) { fs::remove_all(directory(id)); }

Values Runtime::process(PipelineId id) {
  return timed<Metric::kProcessRead>([&] { return read_values(file(id, "process")); });
}

Values Runtime::node(PipelineId id, NodeId node) {
  return timed<Metric::kNodeRead>([&] { return read_values(file(id, node, "node")); });
}

std::string Runtime::state(PipelineId id, NodeId node) {
  return timed<Metric::kStateRead>(
      [&] { return read_values(file(id, node, "state")).at("state"); });
}

void Runtime::set_state(PipelineId id, NodeId node, const std::string& state) {
  timed<Metric::kStateWrite>([&] { write_values(file(id, node, "state"), {{"state", state}}); });
}

Values Runtime::schedule(PipelineId id, NodeId node) {
  return timed<Metric::kScheduleRead>([&] { return read_values(file(id, node, "schedule")); });
}

void Runtime::set_schedule(PipelineId id, NodeId node, const Values& schedule) {
  timed<Metric::kScheduleWrite>([&] { write_values(file(id, node, "schedule"), schedule); });
}

Values Runtime::callback_data(PipelineId id, std::uint64_t callback) {
  return timed<Metric::kCallbackDataRead>(
      [&] { return read_values(file(id, ("callback." + std::to_string(callback)).c_str())); });
}

void Runtime::set_callback_data(PipelineId id, std::uint64_t callback, const Values& data) {
  write_values(file(id, ("callback." + std::to_string(callback)).c_str()), data);
}

Names Runtime::context_refs(PipelineId id, const Names& names) {
  return timed<Metric::kContextRefRead>([&] {
    const Values context = read_values(file(id, "context"));
    Names there;
    for (const std::string& name : names) {
      if (context.contains(name)) there.push_back(name);
    }
    return there;
  });
}

Values Runtime::context_values(PipelineId id, const Names& names) {
  return timed<Metric::kContextValueRead>([&] {
    const Values context = read_values(file(id, "context"));
    Values values;
    for (const std::string& name : names) values[name] = context.at(name);
    return values;
  });
}

void Runtime::upsert_context(PipelineId id, const Values& values) {
  timed<Metric::kContextValueUpsert>([&] {
    Values context = read_values(file(id, "context"));
    for (const auto& [name, value] : values) context[name] = value;
    write_values(file(id, "context"), context);
  });
}

Names Runtime::data_inputs(PipelineId id, NodeId node) {
  return timed<Metric::kDataInputsRead>(
      [&] { return split(read_values(file(id, node, "data")).at("inputs")); });
}

Names Runtime::data_outputs(PipelineId id, NodeId node) {
  return timed<Metric::kDataOutputsRead>(
      [&] { return split(read_values(file(id, node, "data")).at("outputs")); });
}

Data Runtime::data(PipelineId id, NodeId node) {
  return timed<Metric::kDataRead>([&] {
    const Values data = read_values(file(id, node, "data"));
    return Data{split(data.at("inputs")), split(data.at("outputs"))};
  });
}

Values Runtime::execution_inputs(PipelineId id, NodeId node) {
  return timed<Metric::kExecDataInputsRead>([&] { return read_values(file(id, node, "inputs")); });
}

Values Runtime::execution_outputs(PipelineId id, NodeId node) {
  return timed<Metric::kExecDataOutputsRead>(
      [&] { return read_values(file(id, node, "outputs")); });
}

ExecutionData Runtime::execution_data(PipelineId id, NodeId node) {
  return timed<Metric::kExecDataRead>([&] {
    return ExecutionData{read_values(file(id, node, "inputs")),
                         read_values(file(id, node, "outputs"))};
  });
}

void Runtime::set_execution_inputs(PipelineId id, NodeId node, const Values& inputs) {
  timed<Metric::kExecDataInputsWrite>([&] { write_values(file(id, node, "inputs"), inputs); });
}

void Runtime::set_execution_outputs(PipelineId id, NodeId node, const Values& outputs) {
  timed<Metric::kExecDataOutputsWrite>([&] { write_values(file(id, node, "outputs"), outputs); });
}

void Runtime::set_execution_data(PipelineId id, NodeId node, const ExecutionData& data) {
  timed<Metric::kExecDataWrite>([&] {
    write_values(file(id, node, "inputs"), data.inputs);
    write_values(file(id, node, "outputs"), data.outputs);
  });
}

}  // namespace example
