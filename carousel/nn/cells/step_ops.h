// Small steps that the specifications of the cells share.
#pragma once

#include <utility>
#include <vector>

#include "carousel/autograd/ops/broadcast.h"
#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/ops/linear.h"
#include "carousel/autograd/ops/rows.h"
#include "carousel/nn/cells/cell.h"

namespace carousel::nn {

/// x + b on every row; x itself without a bias.
inline Var add_bias(Tape* tape, const Var& x, const Var& b) {
  return b.defined() ? ops::add_row(tape, x, b) : x;
}

/// Gate number `gate` of x [m, G*H].
inline Var block(Tape* tape, const Var& x, int64_t gate, int64_t hidden) {
  return ops::slice_columns(tape, x, gate * hidden, (gate + 1) * hidden);
}

/// W x + b_ih + U h + b_hh, cut into gates.
inline std::vector<Var> preactivations(Tape* tape, const Var& input, const CellWeights& w, const Var& h,
                                       int64_t gates) {
  const Var all = ops::add(tape, add_bias(tape, input, w.b_ih), ops::linear(tape, h, w.w_hh, w.b_hh));
  std::vector<Var> list;
  for (int64_t k = 0; k < gates; ++k) list.push_back(block(tape, all, k, all.value().dim(1) / gates));
  return list;
}

/// Rows [begin, end) of gates' blocks of a weight [G*H, P] or bias [G*H]; undefined stays undefined.
inline Var weight_block(Tape* tape, const Var& w, int64_t begin, int64_t end) {
  return w.defined() ? ops::slice_rows(tape, w, begin, end) : w;
}

}  // namespace carousel::nn
