// Reverse-mode differentiation: a tape of coarse ops, walked backwards.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "carousel/tensor/tensor.h"

namespace carousel {

namespace kernels::quant {
struct Format;
}

/// A value that may carry a gradient. A handle: copies share it, and a const Var, like a const shared_ptr, may be
/// written through.
class Var {
 public:
  Var() = default;
  explicit Var(Tensor value, bool requires_grad = false);

  bool defined() const { return data_ != nullptr; }
  const Tensor& value() const { return data_->value; }
  /// For whoever changes the values in place (optimizers, loaders). Each call makes packed copies stale: take it anew
  /// for each change rather than keeping the reference.
  Tensor& mutable_value() const {
    ++data_->version;
    return data_->value;
  }
  /// Grows with every mutable_value().
  uint64_t version() const { return data_->version; }
  /// A slot for forms derived from the value (packed weights); owned by autograd/weights.h.
  std::shared_ptr<void>& derived() const { return data_->derived; }
  /// The number format that products with this weight run in; null: f32. The value then holds what the format decodes
  /// to, so that whoever does not know the format reckons with the same weights.
  const kernels::quant::Format* format() const { return data_->format; }
  void set_format(const kernels::quant::Format* format) const { data_->format = format; }
  bool requires_grad() const { return data_ && data_->requires_grad; }
  void set_requires_grad(bool on) const { data_->requires_grad = on; }

  /// Gradient of the last backward(); undefined until something has been accumulated.
  const Tensor& grad() const {
    if (data_->sparse) fill_other_rows();
    return data_->grad;
  }
  bool has_grad() const { return data_ && data_->grad.defined(); }
  void clear_grad() const { set_grad(Tensor()); }
  void set_grad(Tensor grad) const {
    data_->grad = std::move(grad);
    data_->sparse = false;
  }

  /// Where an op adds its contribution: memory like value(), and whether it already holds a sum
  /// (`accumulate` true: add to it; false: contents are undefined, overwrite all of it).
  struct GradTarget {
    Tensor tensor;
    bool accumulate;
  };
  GradTarget grad_target() const;
  /// The gradient memory, zeroed on first use; for ops that scatter.
  Tensor& grad_or_zeros() const;
  /// The same for ops that scatter into few rows of a matrix: of a gradient that is new only the rows of `index`, in
  /// any order and more than once perhaps, are zeroed, and row_grad() tells of them. Negative indices are none.
  Tensor& grad_or_zero_rows(std::span<const int64_t> index) const;

  /// A gradient that is zero but for some rows of its matrix, as that of a table of embeddings.
  struct RowGrad {
    const Tensor& tensor;              ///< like value(); all other rows are undefined
    const std::vector<int64_t>& rows;  ///< ascending
  };
  /// Whether row_grad() may be asked for: until grad() is, which fills the other rows, or an op adds to them.
  bool has_row_grad() const { return data_ && data_->sparse; }
  RowGrad row_grad() const { return {data_->grad, data_->rows}; }
  /// Adds `delta` (same shape) to the gradient; takes it over when there is none yet.
  void add_grad(Tensor delta) const;

  bool same(const Var& other) const { return data_ == other.data_; }

 private:
  void fill_other_rows() const;

  struct Data {
    Tensor value;
    Tensor grad;
    bool sparse = false;  ///< only `rows` of grad are defined
    std::vector<int64_t> rows;
    bool requires_grad = false;
    uint64_t version = 0;
    std::shared_ptr<void> derived;
    const kernels::quant::Format* format = nullptr;
  };
  std::shared_ptr<Data> data_;
};

/// Records ops in the order they ran. A null Tape* passed to an op means inference: nothing is recorded or saved.
class Tape {
 public:
  /// One op that ran.
  struct Entry {
    std::vector<Var> outputs;
    std::vector<Var> inputs;  ///< only when the tape keeps them
    std::function<void()> backward;
  };

  Tape() = default;
  /// `keep_inputs`: entries hold their inputs too, for diagnosis; costs memory that a training step can do without.
  explicit Tape(bool keep_inputs) : keep_inputs_(keep_inputs) {}
  /// What ran so far, in order. backward() takes entries away from the end.
  const std::vector<Entry>& entries() const { return entries_; }

  /// Marks `outputs` as depending on `inputs`; `backward` reads the outputs' gradients (any may be absent) and adds to
  /// the inputs' that require one. Recorded only when some input requires a gradient.
  void record(std::vector<Var> outputs, const std::vector<Var>& inputs, std::function<void()> backward);

  /// Runs the tape backwards from a one-element loss, gradient 1. Gradients of recorded outputs are freed on the way;
  /// leaves keep theirs. Clears the tape.
  void backward(const Var& loss);
  /// The same from any output with a given gradient of its shape.
  void backward(const Var& output, Tensor grad);
  void clear() { entries_.clear(); }
  size_t size() const { return entries_.size(); }

 private:
  bool keep_inputs_ = false;
  std::vector<Entry> entries_;
};

/// True when an op must save what its backward needs.
inline bool needs_tape(const Tape* tape, std::initializer_list<const Var*> inputs) {
  if (!tape) return false;
  for (const Var* v : inputs)
    if (v->requires_grad()) return true;
  return false;
}

}  // namespace carousel
