#include "carousel/train/optimizer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "carousel/base/error.h"
#include "carousel/base/options.h"

namespace carousel::train {

namespace {

struct Row {
  const char* name;
  std::unique_ptr<Optimizer> (*make)(std::vector<nn::NamedParameter>, const OptimizerConfig&);
};

/// The registry: one row per optimizer.
constexpr Row kRows[] = {{"adam", make_adam}, {"adamw", make_adamw}, {"sgd", make_sgd}};

}  // namespace

std::vector<Tensor> Optimizer::zeros_like_parameters() const {
  std::vector<Tensor> tensors;
  for (const nn::NamedParameter& p : parameters_)
    tensors.push_back(Tensor::zeros(p.var.value().shape(), p.var.value().dtype()));
  return tensors;
}

void Optimizer::append(std::vector<NamedTensor>& state, const std::string& moment,
                       const std::vector<Tensor>& tensors) const {
  for (size_t i = 0; i < tensors.size(); ++i) state.push_back({moment + "/" + parameters_[i].name, tensors[i]});
}

std::vector<std::string> optimizer_names() {
  std::vector<std::string> names;
  for (const Row& row : kRows) names.emplace_back(row.name);
  return names;
}

std::unique_ptr<Optimizer> make_optimizer(const std::string& name, std::vector<nn::NamedParameter> parameters,
                                          const OptimizerConfig& config) {
  for (const Row& row : kRows)
    if (name == row.name) return row.make(std::move(parameters), config);
  const std::string near = nearest_name(name, optimizer_names());
  throw ConfigError(fmt::format("[train] optimizer must be one of {}; got \"{}\". {}",
                                fmt::join(optimizer_names(), ", "), name,
                                near.empty() ? "Choose one of them." : fmt::format("Did you mean \"{}\"?", near)));
}

}  // namespace carousel::train
