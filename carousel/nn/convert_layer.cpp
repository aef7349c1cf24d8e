#include "carousel/nn/convert_layer.h"

#include <fmt/format.h>

#include <algorithm>

#include "carousel/base/error.h"

namespace carousel::nn {

namespace {

constexpr const char* kUpdateGate = "update_gate";
constexpr const char* kCandidate = "candidate";

/// Rows of one gate in a tensor whose rows are blocks of gates; {0, 0} when the cell has no such gate.
struct Block {
  int64_t begin = 0, end = 0;
};

Block block_of(const Cell& cell, const std::string& gate, int64_t rows) {
  const std::vector<std::string> names = cell.gate_names();
  const auto place = std::find(names.begin(), names.end(), gate);
  if (place == names.end()) return {};
  const int64_t hidden = rows / cell.num_gates(), index = place - names.begin();
  return {index * hidden, (index + 1) * hidden};
}

bool is_bias(const std::string& name) {
  return name == "bias_ih" || name == "bias_hh";
}

Tensor& at(LayerTensors& layer, const std::string& name) {
  for (auto& [known, tensor] : layer.tensors)
    if (known == name) return tensor;
  layer.tensors.emplace_back(name, Tensor());
  return layer.tensors.back().second;
}

void check_layer(const Cell& from, const LayerTensors& layer) {
  for (const auto& [name, tensor] : layer.tensors) {
    if (tensor.dtype() == DType::f32 && tensor.rank() >= 1 && tensor.dim(0) > 0) continue;
    throw ShapeError(fmt::format("[convert] {} of a {} layer must be f32 with rows; got {} {}. Check the file.", name,
                                 from.name(), name_of(tensor.dtype()), tensor.shape().str()));
  }
  for (const char* name : {"weight_ih", "bias_ih", "bias_hh"}) {
    const Tensor* tensor = layer.find(name);
    if (tensor && tensor->dim(0) % from.num_gates() != 0)
      throw ShapeError(
          fmt::format("[convert] the rows of {} must be a multiple of the {} gates of {}; got {}. Check the "
                      "file.",
                      name, from.num_gates(), from.name(), tensor->shape().str()));
  }
}

/// a -> -a for the rows of the update gate, so that sigmoid gives 1 - z.
void flip_update(const Cell& cell, LayerTensors& layer) {
  const bool normalised = layer.find("norm_ih") != nullptr;
  for (auto& [name, tensor] : layer.tensors) {
    const bool weight = name == "weight_ih" || name == "weight_hh", gain = name == "norm_ih" || name == "norm_hh";
    // The norm is taken over several gates together: there its gains turn the sign, not what it normalises.
    if (!is_bias(name) && !(normalised ? gain : weight)) continue;
    const Block rows = block_of(cell, kUpdateGate, tensor.dim(0));
    const int64_t width = tensor.numel() / tensor.dim(0);
    float* values = tensor.data<float>();
    for (int64_t i = rows.begin * width; i < rows.end * width; ++i) values[i] = -values[i];
  }
}

bool all_zero(const Tensor& tensor, Block rows) {
  const float* values = tensor.data<float>();
  return std::all_of(values + rows.begin, values + rows.end, [](float v) { return v == 0; });
}

/// b_ih + b_hh in place of both.
void merge_biases(const Cell& cell, LayerTensors& layer) {
  const Tensor inner = *layer.find("bias_hh");
  if (cell.options().reset == "after" && !all_zero(inner, block_of(cell, kCandidate, inner.dim(0))))
    throw ConfigError(
        "[convert] with reset = after the reset gate multiplies the candidate's part of bias_hh, so two biases are one "
        "only where that part is zero; got values other than zero. Keep biases = 2.");
  Tensor& outer = at(layer, "bias_ih");
  for (int64_t i = 0; i < inner.numel(); ++i) outer.data<float>()[i] += inner.data<float>()[i];
  std::erase_if(layer.tensors, [](const auto& named) { return named.first == "bias_hh"; });
}

void change_biases(const Cell& cell, int64_t wanted, LayerTensors& layer) {
  const Tensor* weight = layer.find("weight_ih");
  if (!weight) throw ShapeError("[convert] a layer has weight_ih; got none. Check the file.");
  const int64_t rows = weight->dim(0);
  if (wanted < 2 && layer.find("bias_hh")) merge_biases(cell, layer);
  if (wanted == 0 && layer.find("bias_ih")) {
    if (!all_zero(*layer.find("bias_ih"), {0, rows}))
      throw ConfigError(
          "[convert] biases can be left out only where they are zero; got values other than zero. Keep biases = 1.");
    std::erase_if(layer.tensors, [](const auto& named) { return is_bias(named.first); });
  }
  for (const char* name : {"bias_ih", "bias_hh"})
    if (wanted > (std::string(name) == "bias_ih" ? 0 : 1) && !layer.find(name)) at(layer, name) = Tensor::zeros({rows});
}

void require_same(const Cell& from, const Cell& to) {
  const CellOptions &a = from.options(), &b = to.options();
  if (from.name() != to.name())
    throw ConfigError(fmt::format(
        "[convert] a cell stays what it is: others compute other functions; got {} to {}. Train a new model.",
        from.name(), to.name()));
  if (a.reset != b.reset)
    throw ConfigError(fmt::format(
        "[convert] reset = {0} cannot become reset = {1}: U (r * h) and r * (U h) differ for every U that is not "
        "diagonal, so no weights make them equal; got a request for {1}. Train again with reset = {1}.",
        a.reset, b.reset));
  if (a.activation != b.activation)
    throw ConfigError(fmt::format(
        "[convert] activation = {0} cannot become {1}: the functions differ; got a request for {1}. Train again with "
        "activation = {1}.",
        a.activation, b.activation));
  if (a.projection_size != b.projection_size)
    throw ConfigError(fmt::format("[convert] projection_size is a size of the weights; got {} to {}. Train again.",
                                  a.projection_size, b.projection_size));
}

}  // namespace

const Tensor* LayerTensors::find(const std::string& name) const {
  for (const auto& [known, tensor] : tensors)
    if (known == name) return &tensor;
  return nullptr;
}

LayerTensors convert_layer(const Cell& from, const Cell& to, const LayerTensors& layer) {
  require_same(from, to);
  check_layer(from, layer);
  LayerTensors result;
  for (const auto& [name, tensor] : layer.tensors) result.tensors.emplace_back(name, tensor.clone());
  if (from.options().update != to.options().update) flip_update(from, result);
  change_biases(from, to.options().biases, result);
  return result;
}

}  // namespace carousel::nn
