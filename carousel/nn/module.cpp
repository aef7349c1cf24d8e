#include "carousel/nn/module.h"

namespace carousel::nn {

std::vector<NamedParameter> Module::parameters() const {
  std::vector<NamedParameter> all = parameters_;
  for (const auto& [name, module] : children_)
    for (NamedParameter& p : module->parameters()) all.push_back({name + "." + p.name, p.var});
  return all;
}

int64_t Module::num_parameters() const {
  int64_t count = 0;
  for (const NamedParameter& p : parameters()) count += p.var.value().numel();
  return count;
}

Var Module::parameter(std::string name, Tensor value) {
  Var var(std::move(value), true);
  parameters_.push_back({std::move(name), var});
  return var;
}

void Module::child(std::string name, Module& module) {
  children_.emplace_back(std::move(name), &module);
}

}  // namespace carousel::nn
