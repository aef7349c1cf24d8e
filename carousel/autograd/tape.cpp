#include "carousel/autograd/tape.h"

#include <fmt/format.h>

#include <utility>

#include "carousel/autograd/accumulate.h"
#include "carousel/autograd/watch.h"
#include "carousel/base/error.h"

namespace carousel {

Var::Var(Tensor value, bool requires_grad) : data_(std::make_shared<Data>()) {
  data_->value = std::move(value);
  data_->requires_grad = requires_grad;
}

Var::GradTarget Var::grad_target() const {
  const bool accumulate = data_->grad.defined();
  if (!accumulate) data_->grad = Tensor::empty(data_->value.shape(), data_->value.dtype());
  return {data_->grad, accumulate};
}

Tensor& Var::grad_or_zeros() const {
  if (!data_->grad.defined()) data_->grad = Tensor::zeros(data_->value.shape(), data_->value.dtype());
  return data_->grad;
}

void Var::add_grad(Tensor delta) const {
  if (delta.shape() != data_->value.shape())
    throw ShapeError(
        fmt::format("[tape] a gradient has the shape of its value; got {} for a value of {}. Check the op.",
                    delta.shape().str(), data_->value.shape().str()));
  if (data_->grad.defined()) {
    accumulate(data_->grad, delta);
  } else {
    data_->grad = std::move(delta);
  }
}

void Tape::record(std::vector<Var> outputs, const std::vector<Var>& inputs, std::function<void()> backward) {
  bool needed = false;
  for (const Var& input : inputs) needed = needed || input.requires_grad();
  if (!needed) return;
  for (Var& output : outputs) output.set_requires_grad(true);
  entries_.push_back({std::move(outputs), keep_inputs_ ? inputs : std::vector<Var>(), std::move(backward)});
}

void Tape::backward(const Var& loss) {
  if (loss.value().numel() != 1)
    throw ShapeError(fmt::format("[backward] the loss must be one number; got shape {}. Reduce it with a mean or sum.",
                                 loss.value().shape().str()));
  backward(loss, Tensor::full(loss.value().shape(), 1.0, loss.value().dtype()));
}

void Tape::backward(const Var& output, Tensor grad) {
  output.add_grad(std::move(grad));
  while (!entries_.empty()) {
    Entry entry = std::move(entries_.back());
    entries_.pop_back();
    bool reached = false;
    for (const Var& v : entry.outputs) reached = reached || v.has_grad();
    if (reached) {
      tell_watchers(entry.outputs);
      entry.backward();
    }
    for (Var& v : entry.outputs) v.clear_grad();
  }
  forget_watchers();
}

}  // namespace carousel
