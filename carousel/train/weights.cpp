#include "carousel/train/weights.h"

#include <algorithm>
#include <cstring>

namespace carousel::train {

namespace {

template <class T>
void average(const Tensor& model, Tensor& copy, double decay) {
  const T keep = static_cast<T>(decay), take = static_cast<T>(1 - decay);
  const T* from = model.data<T>();
  T* to = copy.data<T>();
  const int64_t n = model.numel();
#pragma omp parallel for schedule(static) if (n >= 16384)
  for (int64_t i = 0; i < n; ++i) to[i] = keep * to[i] + take * from[i];
}

}  // namespace

void WeightCopy::capture() {
  if (!filled()) {
    for (const nn::NamedParameter& p : parameters_) values_.push_back(p.var.value().clone());
    return;
  }
  for (size_t i = 0; i < values_.size(); ++i)
    std::memcpy(values_[i].raw(), parameters_[i].var.value().raw(), static_cast<size_t>(values_[i].nbytes()));
}

void WeightCopy::restore() {
  for (size_t i = 0; i < values_.size(); ++i)
    std::memcpy(parameters_[i].var.mutable_value().raw(), values_[i].raw(), static_cast<size_t>(values_[i].nbytes()));
}

void WeightCopy::swap() {
  for (size_t i = 0; i < values_.size(); ++i) {
    auto* copy = static_cast<std::byte*>(values_[i].raw());
    std::swap_ranges(copy, copy + values_[i].nbytes(),
                     static_cast<std::byte*>(parameters_[i].var.mutable_value().raw()));
  }
}

void WeightCopy::average(double decay) {
  for (size_t i = 0; i < values_.size(); ++i) {
    const Tensor& model = parameters_[i].var.value();
    if (model.dtype() == DType::f64) {
      train::average<double>(model, values_[i], decay);
    } else {
      train::average<float>(model, values_[i], decay);
    }
  }
}

std::vector<NamedTensor> WeightCopy::named(const std::string& prefix) {
  if (!filled()) capture();
  std::vector<NamedTensor> named;
  for (size_t i = 0; i < values_.size(); ++i) named.push_back({prefix + "/" + parameters_[i].name, values_[i]});
  return named;
}

}  // namespace carousel::train
