// A soft prior for attention: to look far from the diagonal, or from what an alignment says, costs something.
#pragma once

#include <span>
#include <vector>

#include "carousel/autograd/tape.h"

namespace carousel::nn {

/// Where a row of attention weights stands in its target and its source.
struct AttentionPlace {
  int64_t step;           ///< t, from 0
  int64_t target_length;  ///< T
  int64_t source_length;  ///< S
};

/// Mean over rows of sum_s cost[s] w[s]. weights is ragged, rows one after the other (nn::DecoderOutput), and costs has
/// a number for each. Throws ShapeError. The caller fades the term out as training proceeds; the final model is free of
/// it.
Var guided_attention_loss(Tape* tape, const Var& weights, std::vector<double> costs, int64_t rows);

/// Costs of what is off the diagonal, row after row: 1 - exp(-(t/T - s/S)^2 / (2 width^2)) (Tachibana, Uenoyama &
/// Aihara 2018, eq. 7).
void add_diagonal_costs(const AttentionPlace& place, double width, std::vector<double>& costs);

/// How much the attended source position says about the target step, in [0, 1]: mutual information between step and
/// position over the rows of one target, divided by its largest possible value. 0 when all steps look at the same place
/// (or everywhere alike), 1 when each step looks at a place of its own. `rows` holds T rows of S weights.
double attention_information(std::span<const float> rows, int64_t steps, int64_t source_length);

}  // namespace carousel::nn
