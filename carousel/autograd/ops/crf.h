// The loss of a conditional random field over packed sequences.
#pragma once

#include <cstdint>
#include <span>

#include "carousel/autograd/ops/losses.h"
#include "carousel/autograd/tape.h"
#include "carousel/tensor/packing.h"

namespace carousel::ops {

/// What a linear-chain CRF learns besides its emissions, see LinearChain.
struct CrfWeights {
  Var transitions;  ///< [K, K] from row to column
  Var start, stop;  ///< [K]
};

/// -log p(targets) of all sequences under a linear-chain CRF (Lafferty, McCallum & Pereira 2001; Lample et al. 2016,
/// eq. 1), divided by the number of rows. emissions [rows, K], packed; targets [rows], packed. Exact, by the
/// forward-backward algorithm in double. Throws ShapeError.
CrossEntropy crf_loss(Tape* tape, const Packing& packing, const Var& emissions, const CrfWeights& weights,
                      std::span<const int32_t> targets);

}  // namespace carousel::ops
