#include "carousel/autograd/tape.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>
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
  const bool accumulate = grad().defined();
  if (!accumulate) data_->grad = Tensor::empty(data_->value.shape(), data_->value.dtype());
  return {data_->grad, accumulate};
}

Tensor& Var::grad_or_zeros() const {
  if (!grad().defined()) data_->grad = Tensor::zeros(data_->value.shape(), data_->value.dtype());
  return data_->grad;
}

namespace {

/// Zeroes rows [begin, end) of a matrix.
void zero_rows(Tensor& matrix, int64_t begin, int64_t end) {
  const auto row_bytes = static_cast<size_t>(matrix.dim(1) * size_of(matrix.dtype()));
  std::memset(static_cast<std::byte*>(matrix.raw()) + static_cast<size_t>(begin) * row_bytes, 0,
              static_cast<size_t>(end - begin) * row_bytes);
}

}  // namespace

void Var::fill_other_rows() const {
  int64_t next = 0;
  for (const int64_t row : data_->rows) {
    zero_rows(data_->grad, next, row);
    next = row + 1;
  }
  zero_rows(data_->grad, next, data_->grad.dim(0));
  data_->sparse = false;
}

Tensor& Var::grad_or_zero_rows(std::span<const int64_t> index) const {
  const bool fresh = !data_->grad.defined();
  const auto count = static_cast<size_t>(data_->value.dim(0));
  if ((!fresh && !data_->sparse) || index.size() > count) return grad_or_zeros();
  std::vector<int64_t> rows(index.begin(), index.end());
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  rows.erase(rows.begin(), std::lower_bound(rows.begin(), rows.end(), 0));
  // Where the rows are no small part of the matrix, knowing them saves nothing.
  if (2 * rows.size() > count) return grad_or_zeros();
  if (fresh) {
    data_->grad = Tensor::empty(data_->value.shape(), data_->value.dtype());
    data_->sparse = true;
    data_->rows.clear();
  }
  std::vector<int64_t> more, all;
  std::set_difference(rows.begin(), rows.end(), data_->rows.begin(), data_->rows.end(), std::back_inserter(more));
  for (const int64_t row : more) zero_rows(data_->grad, row, row + 1);
  std::merge(data_->rows.begin(), data_->rows.end(), more.begin(), more.end(), std::back_inserter(all));
  data_->rows = std::move(all);
  return data_->grad;
}

void Var::add_grad(Tensor delta) const {
  if (delta.shape() != data_->value.shape())
    throw ShapeError(
        fmt::format("[tape] a gradient has the shape of its value; got {} for a value of {}. Check the op.",
                    delta.shape().str(), data_->value.shape().str()));
  if (grad().defined()) {
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
