#include "carousel/engine/convert.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <set>
#include <utility>

#include "carousel/base/error.h"
#include "carousel/base/text.h"
#include "carousel/engine/checkpoint.h"
#include "carousel/engine/number_format.h"
#include "carousel/nn/convert_layer.h"

namespace carousel::engine {

namespace {

constexpr const char* kInput = "weight_ih";
constexpr const char* kConvertedKey = "carousel.converted";

/// A recurrent layer in a file: its tensors are prefix + "weight_ih" + suffix and so on.
struct LayerName {
  std::string prefix, suffix;  // "encoder.", "_l0_reverse"

  std::string of(const std::string& part) const { return prefix + part + suffix; }
  /// The part of a tensor of this layer, or "".
  std::string part(const std::string& name) const {
    if (name.size() <= prefix.size() + suffix.size() || !name.starts_with(prefix) || !name.ends_with(suffix)) return "";
    std::string middle = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
    return middle.find('.') == std::string::npos ? middle : "";
  }
};

std::vector<LayerName> layers_of(const Archive& archive) {
  std::vector<LayerName> layers;
  for (const NamedTensor& t : archive.tensors) {
    const size_t at = t.name.rfind(kInput);
    if (at != std::string::npos)
      layers.push_back({t.name.substr(0, at), t.name.substr(at + std::string(kInput).size())});
  }
  return layers;
}

nn::LayerTensors take(const Archive& archive, const LayerName& layer, std::set<std::string>* taken) {
  nn::LayerTensors tensors;
  for (const NamedTensor& t : archive.tensors) {
    const std::string part = layer.part(t.name);
    if (part.empty()) continue;
    tensors.tensors.emplace_back(part, t.tensor.to(DType::f32));
    taken->insert(t.name);
  }
  return tensors;
}

/// The options of a model with the cell among them.
class ModelOptions {
 public:
  ModelOptions(const std::string& task, const std::string& json, const std::string& file)
      : task_(tasks::make_task(task)) {
    task_->options(table_);
    try {
      table_.from_json(json, file);
    } catch (const ConfigError& e) {
      throw FormatError(file, -1, e.what());
    }
  }

  OptionTable& table() { return table_; }
  std::shared_ptr<const nn::Cell> cell() const {
    nn::CellOptions options;
    read("cell", options.cell);
    read("reset", options.reset);
    read("update", options.update);
    read("activation", options.activation);
    read("biases", options.biases);
    read("projection_size", options.projection_size);
    return nn::make_cell(options);
  }

 private:
  /// A task may offer only some of a cell's choices; the others keep their defaults.
  template <class T>
  void read(const char* name, T& value) const {
    const Option* row = table_.find(name);
    if (T* const* field = row ? std::get_if<T*>(&row->field) : nullptr) value = **field;
  }

  std::unique_ptr<tasks::Task> task_;
  OptionTable table_;
};

/// Throws FormatError naming `file` for what is no model, UnsupportedError for weights that cannot be rewritten
/// exactly.
void require_model(const Archive& archive, const std::string& task, const std::string& file) {
  if (const auto* format = format_of(archive))
    throw UnsupportedError(fmt::format(
        "[convert] weights must be f32; got {}, in {}. Convert the model it was made from, and quantize the result.",
        file, format->name));
  const std::unique_ptr<tasks::Task> loader = tasks::make_task(task);
  load_model(*loader, archive, file);
}

std::string conventions(const nn::Cell& cell) {
  const nn::CellOptions& o = cell.options();
  std::string text = o.cell;
  if (!o.reset.empty()) text += fmt::format(", reset = {}", o.reset);
  if (!o.update.empty()) text += fmt::format(", update = {}", o.update);
  return text + fmt::format(", biases = {}", o.biases);
}

bool same_conventions(const nn::Cell& a, const nn::Cell& b) {
  return a.options().reset == b.options().reset && a.options().update == b.options().update &&
         a.options().biases == b.options().biases && a.options().activation == b.options().activation;
}

std::string shape_text(const Tensor& tensor) {
  return fmt::format("{} {}", name_of(tensor.dtype()), tensor.shape().str());
}

/// PyTorch's conventions for a cell, with as many biases as a layer of the file has. Cells that PyTorch does not have
/// are taken to be in the model's own.
std::shared_ptr<const nn::Cell> torch_cell(const nn::Cell& ours, const nn::LayerTensors& layer) {
  nn::CellOptions options = ours.options();
  if (options.cell == "gru") {
    options.reset = "after";
    options.update = "keep";
  }
  options.biases = layer.find("bias_hh") ? 2 : layer.find("bias_ih") ? 1 : 0;
  return nn::make_cell(options);
}

/// The tensors of a state_dict under the names and in the conventions of a model.
class TorchWeights {
 public:
  TorchWeights(const TorchRequest& request, const Archive& weights, const Archive& like)
      : request_(request), weights_(weights), like_(like) {}

  void convert_layers(const nn::Cell& ours) {
    for (const LayerName& layer : layers_of(like_)) {
      if (!layer.prefix.starts_with(request_.prefix)) continue;
      const LayerName theirs{layer.prefix.substr(request_.prefix.size()), layer.suffix};
      const nn::LayerTensors tensors = take(weights_, theirs, &taken_);
      if (!tensors.find(kInput)) refuse_missing(layer.of(kInput), theirs.of(kInput));
      for (auto& [part, tensor] : nn::convert_layer(*torch_cell(ours, tensors), ours, tensors).tensors)
        converted_.insert_or_assign(layer.of(part), tensor);
    }
  }

  /// The tensor for `name` of the model, or its own where the state_dict has no part.
  Tensor find(const std::string& name, const Tensor& own) {
    if (!name.starts_with(request_.prefix)) return own;
    const std::string theirs = name.substr(request_.prefix.size());
    const auto layer = converted_.find(name);
    const Tensor* found = layer != converted_.end() ? &layer->second : weights_.find(theirs);
    if (!found) refuse_missing(name, theirs);
    taken_.insert(theirs);
    ++loaded_;
    Tensor tensor = found->to(DType::f32);
    if (tensor.shape() != own.shape())
      throw FormatError(request_.weights, -1,
                        fmt::format("[convert] tensor {} must be {} as in {}; got {}. Make a model of the same sizes.",
                                    theirs, shape_text(own), request_.like, shape_text(tensor)));
    return tensor;
  }

  void require_all_taken() const {
    for (const NamedTensor& t : weights_.tensors)
      if (!taken_.contains(t.name))
        throw FormatError(
            request_.weights, -1,
            fmt::format("[convert] every tensor must belong to the model; got {} {}, which {} does not have "
                        "as {}{}. Leave it out of the state_dict, or give the prefix that its names need.",
                        t.name, shape_text(t.tensor), request_.like, request_.prefix, t.name));
  }
  int64_t loaded() const { return loaded_; }

 private:
  [[noreturn]] void refuse_missing(const std::string& name, const std::string& theirs) const {
    throw FormatError(request_.weights, -1,
                      fmt::format("[convert] the state_dict must hold {} for {} of {}; got none. Save the whole "
                                  "state_dict, or give the prefix that its names need.",
                                  theirs, name, request_.like));
  }

  const TorchRequest& request_;
  const Archive& weights_;
  const Archive& like_;
  std::map<std::string, Tensor> converted_;
  std::set<std::string> taken_;
  int64_t loaded_ = 0;
};

}  // namespace

std::vector<std::string> convert_model(const ConvertRequest& request) {
  Archive archive = read_archive(request.model);
  RunIdentity identity = identity_of(archive, request.model);
  require_model(archive, identity.task, request.model);
  const std::vector<LayerName> layers = layers_of(archive);
  if (layers.empty())
    throw ConfigError(fmt::format(
        "[convert] only recurrent layers have conventions to convert; got {}, which has none. Keep it as it "
        "is.",
        request.model));
  ModelOptions config(identity.task, identity.config, request.model);
  ModelOptions options(identity.task, identity.options, request.model);
  const auto from = config.cell();
  for (const Setting& s : request.settings) {
    config.table().set(s.key, s.value, s.origin);
    options.table().set(s.key, s.value, s.origin);
    const bool known = ("," + identity.options_set + ",").find("," + s.key + ",") != std::string::npos;
    if (!known) identity.options_set += (identity.options_set.empty() ? "" : ",") + s.key;
  }
  const auto to = config.cell();
  if (same_conventions(*from, *to)) {
    write_archive(request.output, archive);
    return {fmt::format("nothing to convert: the model has these conventions already: {}", conventions(*from))};
  }
  std::set<std::string> taken;
  std::vector<NamedTensor> tensors;
  for (const LayerName& layer : layers)
    for (auto& [part, tensor] : nn::convert_layer(*from, *to, take(archive, layer, &taken)).tensors)
      tensors.push_back({layer.of(part), std::move(tensor)});
  for (NamedTensor& t : archive.tensors)
    if (!taken.contains(t.name)) tensors.push_back(std::move(t));
  archive.tensors = std::move(tensors);
  identity.config = config.table().to_json();
  identity.options = options.table().to_json();
  store_identity(archive.metadata, identity);
  archive.metadata[kConvertedKey] = fmt::format("{} -> {}", conventions(*from), conventions(*to));
  require_model(archive, identity.task, request.model);
  write_archive(request.output, archive);
  return {fmt::format("from: {}", conventions(*from)), fmt::format("to: {}", conventions(*to)),
          fmt::format("{} rewritten; answers are the same up to rounding",
                      counted(static_cast<int64_t>(layers.size()), "recurrent layer"))};
}

std::vector<std::string> import_torch(const TorchRequest& request) {
  Archive like = read_archive(request.like);
  const RunIdentity identity = identity_of(like, request.like);
  require_model(like, identity.task, request.like);
  const Archive weights = read_archive(request.weights);
  const ModelOptions config(identity.task, identity.config, request.like);
  const auto cell = config.cell();
  TorchWeights torch(request, weights, like);
  torch.convert_layers(*cell);
  for (NamedTensor& t : like.tensors) t.tensor = torch.find(t.name, t.tensor);
  torch.require_all_taken();
  like.metadata[kConvertedKey] = fmt::format("PyTorch state_dict -> {}", conventions(*cell));
  require_model(like, identity.task, request.weights);
  write_archive(request.output, like);
  return {fmt::format("{} of {} taken from the state_dict, the others from {}", counted(torch.loaded(), "tensor"),
                      like.tensors.size(), request.like),
          fmt::format("conventions: {}", conventions(*cell))};
}

}  // namespace carousel::engine
