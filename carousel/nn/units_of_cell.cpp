#include "carousel/nn/units_of_cell.h"

#include <algorithm>

namespace carousel::nn {

namespace {

/// Rows `units` of each of the blocks of `hidden` rows.
Tensor rows_of_units(const Tensor& w, const Range& blocks, int64_t hidden, const Range& units) {
  const int64_t columns = w.rank() > 1 ? w.dim(1) : 1;
  Tensor picked = Tensor::empty({blocks.size() * units.size(), columns});
  float* to = picked.data<float>();
  for (int64_t block = blocks.begin; block < blocks.end; ++block)
    to = std::copy_n(w.data<float>() + (block * hidden + units.begin) * columns, units.size() * columns, to);
  return picked;
}

const float* data_or_null(const Tensor& t) {
  return t.defined() ? t.data<float>() : nullptr;
}

}  // namespace

UnitsOfCell UnitsOfCell::copied(const FusedCell<float>& fused, const CellWeights& weights, int64_t hidden,
                                Range units) {
  return {fused, weights, hidden, units, [&](const Var& w, const Range& gates) {
            return PackedRows(rows_of_units(w.value(), gates, hidden, units), w.format());
          }};
}

UnitsOfCell UnitsOfCell::borrowed(const FusedCell<float>& fused, const CellWeights& weights, int64_t hidden,
                                  Range units) {
  return {fused, weights, hidden, units, [&](const Var& w, const Range& gates) {
            WeightSlice slice{true, 0, w.value().dim(1), gates.begin * hidden, gates.end * hidden};
            if (units.size() < hidden) slice.block = hidden, slice.unit_begin = units.begin, slice.unit_end = units.end;
            return PackedRows::borrowed(w, slice);
          }};
}

UnitsOfCell::UnitsOfCell(const FusedCell<float>& fused, const CellWeights& weights, int64_t hidden, Range units,
                         const Pack& pack)
    : fused_(fused), hidden_(hidden), units_(units) {
  const auto picked = [&](const Var& v, const Range& blocks) {
    return v.defined() ? rows_of_units(v.value(), blocks, hidden, units) : Tensor();
  };
  if (fused.peephole) peephole_ = picked(weights.extra[0], {0, 3});
  for (const FusedStage<float>& s : fused.stages) {
    const Range gates{s.first_gate, s.last_gate};
    Stage& stage = stages_.emplace_back();
    stage.forward = s.forward;
    stage.width = gates.size() * units.size();
    stage.scratch = scratch_size_;
    scratch_size_ += stage.width * (fused.apart ? 2 : 1);
    stage.input = pack(weights.w_ih, gates);
    if (fused.recurrent_product) stage.recurrent = pack(weights.w_hh, gates);
    stage.bias = picked(weights.b_ih, gates);
    stage.recurrent_bias = picked(weights.b_hh, gates);
    if (stage.bias.defined() && stage.recurrent_bias.defined() && !fused.apart) {
      kernels::table<float>().axpy(stage.width, 1, stage.recurrent_bias.data<float>(), stage.bias.data<float>());
      stage.recurrent_bias = Tensor();
    }
  }
}

void UnitsOfCell::run(size_t number, const Data& d) const {
  const Stage& stage = stages_[number];
  const auto gates_of = [&](size_t k) { return d.products ? d.products[k] : d.scratch + d.rows * stages_[k].scratch; };
  float* gates = gates_of(number);
  float* recurrent = d.scratch + d.rows * (stage.scratch + stage.width);
  const float* operand = number == 0 ? d.past : d.operand;
  if (!d.products) stage.input.multiply(d.x, gates, false, d.rows);
  if (fused_.apart) {
    if (operand) {
      stage.recurrent.multiply(operand, recurrent, false, d.rows);
    } else {
      std::fill_n(recurrent, d.rows * stage.width, 0.0f);
    }
  } else if (fused_.recurrent_product && operand) {
    stage.recurrent.multiply(operand, gates, true, d.rows);
  }
  const bool dense = units_.size() == hidden_ && d.state == hidden_;
  for (int64_t r = 0; r < d.rows; r += dense ? d.rows : 1) {
    kernels::CellForward<float> p;
    p.rows = dense ? d.rows : 1;
    p.hidden = p.ldh = units_.size();
    p.gates = gates + r * stage.width;
    p.h_prev = d.before + r * d.state + units_.begin;
    p.h = d.h + r * d.state;
    if (fused_.cell_state) {
      p.c_prev = (d.c_before ? d.c_before : d.before + hidden_) + r * d.state + units_.begin;
      p.c = d.c + r * d.state;
    }
    if (fused_.apart) p.recurrent = recurrent + r * stage.width;
    p.bias = data_or_null(stage.bias);
    p.recurrent_bias = data_or_null(stage.recurrent_bias);
    p.peephole = data_or_null(peephole_);
    if (number > 0) p.reset_update = gates_of(number - 1) + r * stages_[number - 1].width;
    p.operand = d.left + r * hidden_;
    p.relu = fused_.relu;
    p.keep = fused_.keep;
    stage.forward(p);
  }
}

}  // namespace carousel::nn
