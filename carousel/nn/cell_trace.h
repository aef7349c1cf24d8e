// A fused cell over all rows of a packed batch: what the recurrent layer and the attention decoder share. Holds what
// forward leaves for backward.
#pragma once

#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "carousel/autograd/parallel.h"
#include "carousel/autograd/weights.h"
#include "carousel/kernels/sixteen_bits.h"
#include "carousel/nn/cells/cell.h"
#include "carousel/nn/shards.h"

namespace carousel::nn {

/// Columns of w_ih that one input goes through: [begin, end).
struct InputColumns {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
};

/// Call order. Forward: pack_forward(), then input products of all rows, then start() and advance() step by step, and
/// rest() where a backward will follow. Backward: pack_backward(), retreat() step by step the other way, then
/// weight_gradients() and input_gradient(). The pack functions are for one thread; the others work on disjoint rows or
/// shards.
template <class T>
class CellTrace {
 public:
  struct Sizes {
    int64_t rows, batch;
  };

  CellTrace(const Cell& cell, CellWeights weights, std::vector<Var> initial, std::vector<InputColumns> inputs,
            Sizes sizes)
      : fused_(cell.fused<T>()),
        weights_(std::move(weights)),
        initial_(std::move(initial)),
        inputs_(std::move(inputs)) {
    const DType dtype = dtype_of<T>();
    gates_ = cell.num_gates();
    hidden_ = weights_.w_ih.value().dim(0) / gates_;
    rows_ = sizes.rows;
    for (const FusedStage<T>& stage : fused_.stages) {
      const int64_t width = (stage.last_gate - stage.first_gate) * hidden_;
      buffers_.push_back(
          {Tensor::empty({rows_, width}, dtype), Tensor::empty({rows_, hidden_}, dtype), {}, {}, {}, {}});
    }
    if (fused_.cell_state) cells_ = Tensor::empty({rows_, hidden_}, dtype);
    if (fused_.apart) recurrent_ = Tensor::empty({rows_, gates_ * hidden_}, dtype);
    for (const GateRange range : cell.gate_ranges())
      ranges_.push_back(range == GateRange::unit        ? kernels::Range16::unit
                        : range == GateRange::symmetric ? kernels::Range16::symmetric
                                                        : kernels::Range16::unbounded);
    for (size_t s = 0; s < static_cast<size_t>(cell.num_states()); ++s) {
      const bool given = s < initial_.size() && initial_[s].defined();
      has_past_ = has_past_ || given;
      first_.push_back(given ? initial_[s].value() : Tensor::zeros({sizes.batch, hidden_}, dtype));
    }
    add_biases();
  }

  int64_t hidden() const { return hidden_; }
  int64_t num_states() const { return static_cast<int64_t>(first_.size()); }
  const CellWeights& weights() const { return weights_; }
  const std::vector<Var>& initial() const { return initial_; }
  /// h before the step of `row`, after start().
  const T* h_before(int64_t row) const { return buffers_[0].operand.template data<T>() + row * hidden_; }
  /// [rows, H], null without a second state.
  const T* cell_states() const { return fused_.cell_state ? cells_.template data<T>() : nullptr; }
  const Tensor& cell_state_rows() const { return cells_; }
  /// [rows, H]: h before each row, for products over all rows.
  const Tensor& h_before_rows() const { return buffers_[0].operand; }

  void pack_forward() { pack(true); }

  /// gates of rows [begin, begin + count) (+)= x W^T for input number `input`; x [count, its columns].
  void input_product(size_t input, int64_t begin, int64_t count, const T* x, bool accumulate) {
    if (count == 0) return;
    for (Buffer& b : buffers_)
      b.inputs[input]->multiply(count, x, b.gates.template data<T>() + begin * b.gates.dim(1), accumulate);
  }

  /// Sets h_before() of a step's rows: from `out` (rows of h, distance ldo) where they continue, else the first state.
  void start(const StepRows& r, const T* out, int64_t ldo) {
    const int64_t n = hidden_;
    T* to = buffers_[0].operand.template data<T>();
    const T* h0 = first_[0].template data<T>();
    for (int64_t j = r.first; j < r.last; ++j) {
      const T* from = j < r.continued ? out + (r.previous + j - r.first) * ldo : h0 + j * n;
      std::memcpy(to + (r.row + j - r.first) * n, from, sizeof(T) * static_cast<size_t>(n));
    }
  }

  /// The recurrent products and the kernels of one step; writes h of its rows to `out`.
  void advance(const StepRows& r, T* out, int64_t ldo) {
    const int64_t n = hidden_;
    const bool past = r.continued > r.first || has_past_;
    for (size_t k = 0; k < buffers_.size(); ++k) {
      Buffer& b = buffers_[k];
      const int64_t width = b.gates.dim(1);
      const T* operand = b.operand.template data<T>() + r.row * n;
      if (fused_.apart) {
        T* u = recurrent_.template data<T>() + r.row * width;
        if (past) {
          b.recurrent->multiply(r.count(), operand, u, false);
        } else {
          std::memset(u, 0, sizeof(T) * static_cast<size_t>(r.count() * width));
        }
      } else if (fused_.recurrent_product && past) {
        b.recurrent->multiply(r.count(), operand, b.gates.template data<T>() + r.row * width, true);
      }
      each_segment(r, [&](int64_t first, int64_t last, const T* c_prev) {
        forward_kernel(k, r, first, last, c_prev, out, ldo);
      });
    }
  }

  /// Copies the states of position j after its last row.
  void last_state(int64_t j, int64_t row, const T* out, int64_t ldo, std::vector<Tensor>& states) const {
    const auto bytes = sizeof(T) * static_cast<size_t>(hidden_);
    std::memcpy(states[0].template data<T>() + j * hidden_, out + row * ldo, bytes);
    if (fused_.cell_state)
      std::memcpy(states[1].template data<T>() + j * hidden_, cells_.template data<T>() + row * hidden_, bytes);
  }

  /// Where products round their operands to bf16, the activations rest in 16 bits until pack_backward(), in half the
  /// memory. Gates in fixed point: bf16 has no number between 0.998 and 1, and f (1 - f) of a nearly open gate would be
  /// 0. c, which adds up over all steps, and h, which is also the layer's output, stay f32.
  void rest() {
    if (!std::is_same_v<T, float> || kernels::precision() != kernels::Precision::bf16) return;
    for (const Resting& r : resting_rows()) {
      Tensor codes = Tensor::empty(r.rows->shape(), DType::bf16);  // any 16 bits
      each_gate(r, [&](kernels::Range16 range, int64_t at) {
        kernels::to_16_bits(range, hidden_, r.rows->template data<float>() + at,
                            static_cast<uint16_t*>(codes.raw()) + at);
      });
      *r.rows = Tensor();
      resting_.push_back(codes);
    }
  }

  /// Activations [rows, G*H] in the canonical order; between forward and rest().
  Tensor activations() const {
    if (buffers_.size() == 1) return buffers_[0].gates.clone();
    Tensor all = Tensor::empty({rows_, gates_ * hidden_}, dtype_of<T>());
    for (size_t k = 0; k < buffers_.size(); ++k) {
      const int64_t width = buffers_[k].gates.dim(1), at = fused_.stages[k].first_gate * hidden_;
      for (int64_t i = 0; i < rows_; ++i)
        std::copy_n(buffers_[k].gates.template data<T>() + i * width, width, all.data<T>() + i * gates_ * hidden_ + at);
    }
    return all;
  }

  /// `carry`: per state [B, H], the gradient of the last states; becomes that of the first.
  void pack_backward(std::vector<Tensor> carry, int64_t shards) {
    wake();
    carry_ = std::move(carry);
    if (buffers_.size() > 1) d_operand_ = Tensor::empty(carry_[0].shape(), dtype_of<T>());
    if (fused_.peephole) d_peephole_ = Tensor::zeros({shards, 3 * hidden_}, dtype_of<T>());
    pack(false);
    for (const Var& v : {weights_.w_ih, weights_.w_hh, weights_.b_ih, weights_.b_hh})
      targets_.push_back(v.requires_grad() ? v.grad_target() : Var::GradTarget{});
  }

  /// dL/dh of position j's running step, to be added to; [H].
  T* carry_h(int64_t j) { return carry_[0].template data<T>() + j * hidden_; }

  /// One step back: gates become gradients of pre-activations, the carried gradients those of the step before.
  void retreat(const StepRows& r, int64_t shard) {
    const int64_t n = hidden_;
    for (size_t k = buffers_.size(); k-- > 0;) {
      Buffer& b = buffers_[k];
      const int64_t width = b.gates.dim(1);
      each_segment(
          r, [&](int64_t first, int64_t last, const T* c_prev) { backward_kernel(k, r, first, last, c_prev, shard); });
      if (!fused_.recurrent_product) continue;
      const T* d = (fused_.apart ? recurrent_ : b.gates).template data<T>() + r.row * width;
      if (k == 0) {
        b.recurrent->multiply(r.count(), d, carry_h(r.first), fused_.mixes_past);
      } else {
        b.recurrent->multiply(r.count(), d, d_operand_.template data<T>() + r.first * n, false);
      }
    }
  }

  /// Share `index` of `of` of the gradients of all weights; `inputs` [rows, columns] in the order of the constructor.
  void weight_gradients(int64_t index, int64_t of, const std::vector<const T*>& inputs) {
    for (size_t k = 0; k < buffers_.size(); ++k) {
      const int64_t width = buffers_[k].gates.dim(1), at = fused_.stages[k].first_gate * hidden_;
      const Range part = part_of(width, index, of, 16);
      if (part.size() == 0) continue;
      const T* outer = buffers_[k].gates.template data<T>() + part.begin;
      const T* inner = fused_.apart ? recurrent_.template data<T>() + part.begin : outer;
      const auto give = [&](Var::GradTarget& target, InputColumns columns, const T* left, const T* right) {
        if (!target.tensor.defined()) return;
        const int64_t ld = target.tensor.dim(1);
        kernels::table<T>().gemm({true, false, part.size(), columns.size(), rows_, left, width, right, columns.size(),
                                  target.tensor.template data<T>() + (at + part.begin) * ld + columns.begin, ld,
                                  target.accumulate});
      };
      const auto sum = [&](Var::GradTarget& target, const T* left) {
        if (target.tensor.defined())
          kernels::table<T>().column_sums(rows_, part.size(), left, width,
                                          target.tensor.template data<T>() + at + part.begin, target.accumulate);
      };
      for (size_t i = 0; i < inputs_.size(); ++i) give(targets_[0], inputs_[i], outer, inputs[i]);
      give(targets_[1], {0, hidden_}, inner, buffers_[k].operand.template data<T>());
      sum(targets_[2], outer);
      sum(targets_[3], inner);
    }
  }

  /// dx of rows [begin, begin + count) (+)= gradient through input number `input`.
  void input_gradient(size_t input, int64_t begin, int64_t count, T* dx, bool accumulate) {
    if (count == 0) return;
    for (Buffer& b : buffers_) {
      b.inputs[input]->multiply(count, b.gates.template data<T>() + begin * b.gates.dim(1), dx, accumulate);
      accumulate = true;
    }
  }

  /// After the regions: gradients of the first states and of the peepholes.
  void finish() {
    for (size_t s = 0; s < initial_.size(); ++s)
      if (initial_[s].requires_grad()) initial_[s].add_grad(carry_[s]);
    if (!fused_.peephole || !weights_.extra[0].requires_grad()) return;
    Tensor sum = Tensor::zeros({3 * hidden_}, dtype_of<T>());
    kernels::table<T>().column_sums(d_peephole_.dim(0), 3 * hidden_, d_peephole_.template data<T>(), 3 * hidden_,
                                    sum.data<T>(), false);
    weights_.extra[0].add_grad(sum);
  }

 private:
  /// Numbers [rows, (last_gate - first_gate) * H] that rest. U h, which has no range, counts as gates from -1 on.
  struct Resting {
    Tensor* rows;
    int64_t first_gate, last_gate;
  };
  std::vector<Resting> resting_rows() {
    std::vector<Resting> all;
    for (size_t k = 0; k < buffers_.size(); ++k)
      all.push_back({&buffers_[k].gates, fused_.stages[k].first_gate, fused_.stages[k].last_gate});
    if (fused_.apart) all.push_back({&recurrent_, -1, gates_ - 1});
    return all;
  }

  /// body(range, where they begin) for the H numbers of each gate and row.
  template <class Body>
  void each_gate(const Resting& r, Body body) const {
    const int64_t width = (r.last_gate - r.first_gate) * hidden_;
    parallel_for(rows_, width, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row)
        for (int64_t j = 0; j < width; j += hidden_)
          body(
              r.first_gate < 0 ? kernels::Range16::unbounded : ranges_[static_cast<size_t>(r.first_gate + j / hidden_)],
              row * width + j);
    });
  }

  void wake() {
    if (resting_.empty()) return;
    const std::vector<Resting> all = resting_rows();
    for (size_t i = 0; i < all.size(); ++i) {
      *all[i].rows = Tensor::empty(resting_[i].shape(), DType::f32);
      each_gate(all[i], [&](kernels::Range16 range, int64_t at) {
        kernels::from_16_bits(range, hidden_, static_cast<const uint16_t*>(resting_[i].raw()) + at,
                              all[i].rows->template data<float>() + at);
      });
    }
    resting_.clear();
  }

  struct Buffer {
    Tensor gates;    // [rows, g*H]: activations; after retreat() pre-activation gradients
    Tensor operand;  // [rows, H]: what U is multiplied by; of the first stage h before the step
    std::vector<const kernels::Packed<T>*> inputs;
    const kernels::Packed<T>* recurrent;
    const T* bias;
    const T* recurrent_bias;
  };

  static const T* data_or_null(const Var& v) { return v.defined() ? v.value().template data<T>() : nullptr; }

  /// One bias per gate for the kernels; apart only where the recurrent product is.
  void add_biases() {
    const T *outer = data_or_null(weights_.b_ih), *inner = data_or_null(weights_.b_hh);
    if (outer && inner && !fused_.apart) {
      bias_sum_ = weights_.b_ih.value().clone();
      kernels::table<T>().axpy(bias_sum_.numel(), T(1), inner, bias_sum_.template data<T>());
      outer = bias_sum_.template data<T>();
      inner = nullptr;
    }
    for (size_t k = 0; k < buffers_.size(); ++k) {
      const int64_t at = fused_.stages[k].first_gate * hidden_;
      buffers_[k].bias = outer ? outer + at : nullptr;
      buffers_[k].recurrent_bias = inner ? inner + at : nullptr;
    }
  }

  void pack(bool forward) {
    for (size_t k = 0; k < buffers_.size(); ++k) {
      const int64_t first = fused_.stages[k].first_gate * hidden_, last = fused_.stages[k].last_gate * hidden_;
      buffers_[k].inputs.clear();
      for (const InputColumns& c : inputs_)
        buffers_[k].inputs.push_back(&packed_weight<T>(weights_.w_ih, {forward, c.begin, c.end, first, last}));
      if (fused_.recurrent_product)
        buffers_[k].recurrent = &packed_weight<T>(weights_.w_hh, {forward, 0, hidden_, first, last});
    }
  }

  /// body(first, last, c_prev): rows with c lie in two places, those that continue and those that begin here.
  template <class Body>
  void each_segment(const StepRows& r, Body body) {
    if (!fused_.cell_state) {
      body(r.first, r.last, nullptr);
      return;
    }
    if (r.continued > r.first) body(r.first, r.continued, cells_.template data<T>() + r.previous * hidden_);
    if (r.last > r.continued) body(r.continued, r.last, first_[1].template data<T>() + r.continued * hidden_);
  }

  void forward_kernel(size_t k, const StepRows& r, int64_t first, int64_t last, const T* c_prev, T* out, int64_t ldo) {
    const int64_t n = hidden_, row = r.row + first - r.first;
    Buffer& b = buffers_[k];
    kernels::CellForward<T> p{last - first, n, b.gates.template data<T>() + row * b.gates.dim(1), b.bias, c_prev};
    if (fused_.cell_state) p.c = cells_.template data<T>() + row * n;
    p.h = out + row * ldo;
    p.ldh = ldo;
    p.h_prev = h_before(row);
    if (fused_.peephole) p.peephole = weights_.extra[0].value().template data<T>();
    if (fused_.apart) p.recurrent = recurrent_.template data<T>() + row * gates_ * n;
    p.recurrent_bias = b.recurrent_bias;
    if (k > 0) p.reset_update = buffers_[0].gates.template data<T>() + row * buffers_[0].gates.dim(1);
    if (k + 1 < buffers_.size()) p.operand = buffers_[k + 1].operand.template data<T>() + row * n;
    p.relu = fused_.relu;
    p.keep = fused_.keep;
    fused_.stages[k].forward(p);
  }

  void backward_kernel(size_t k, const StepRows& r, int64_t first, int64_t last, const T* c_prev, int64_t shard) {
    const int64_t n = hidden_, row = r.row + first - r.first;
    Buffer& b = buffers_[k];
    kernels::CellBackward<T> p{last - first, n, b.gates.template data<T>() + row * b.gates.dim(1)};
    p.dh = carry_h(first);
    if (fused_.cell_state) {
      p.c = cells_.template data<T>() + row * n;
      p.c_prev = c_prev;
      p.dc = carry_[1].template data<T>() + first * n;
    }
    p.h_prev = h_before(row);
    if (fused_.peephole) {
      p.peephole = weights_.extra[0].value().template data<T>();
      p.d_peephole = d_peephole_.template data<T>() + shard * 3 * n;
    }
    if (fused_.apart) p.recurrent = recurrent_.template data<T>() + row * gates_ * n;
    if (k > 0) p.reset_update = buffers_[0].gates.template data<T>() + row * buffers_[0].gates.dim(1);
    if (k + 1 < buffers_.size()) p.d_operand = d_operand_.template data<T>() + first * n;
    p.relu = fused_.relu;
    p.keep = fused_.keep;
    fused_.stages[k].backward(p);
  }

  FusedCell<T> fused_;
  CellWeights weights_;
  std::vector<Var> initial_;
  std::vector<InputColumns> inputs_;
  int64_t gates_ = 0, hidden_ = 0, rows_ = 0;
  std::vector<Buffer> buffers_;           // one per stage
  Tensor cells_;                          // [rows, H]
  Tensor recurrent_;                      // [rows, G*H]: U h, then its gradient
  std::vector<Tensor> resting_;           // of resting_rows(); empty but between rest() and wake()
  std::vector<kernels::Range16> ranges_;  // of each gate
  std::vector<Tensor> first_;             // per state [B, H]; zeros when the caller gave none
  bool has_past_ = false;
  Tensor bias_sum_;
  std::vector<Tensor> carry_;             // per state [B, H]: gradients flowing to the step visited before
  Tensor d_operand_;                      // [B, H]
  Tensor d_peephole_;                     // [shards, 3H]
  std::vector<Var::GradTarget> targets_;  // of w_ih, w_hh, b_ih, b_hh; undefined where no gradient is wanted
};

}  // namespace carousel::nn
