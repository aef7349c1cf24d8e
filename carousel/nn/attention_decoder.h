// The decoder of an encoder-decoder with attention, over a whole batch of targets, as one op.
#pragma once

#include <vector>

#include "carousel/autograd/tape.h"
#include "carousel/nn/attention.h"
#include "carousel/nn/cells/cell.h"
#include "carousel/tensor/packing.h"

namespace carousel::nn {

struct DecoderWeights {
  CellWeights cell;  ///< w_ih is [G*H, E + M], or [G*H, E] when the context is not fed to the cell
  Var w_query;       ///< [A, P], P the width of the cell's h: additive and mlp; undefined otherwise
  Var v;             ///< [A]: additive and mlp; undefined otherwise
};

struct DecoderOptions {
  Score score = Score::additive;
  bool feed_context = true;    ///< C is part of the cell's input: s_t = cell(s_{t-1}, [y_t; C])
  bool current_query = false;  ///< false: C_t is asked for with s_{t-1}, before the cell (Bahdanau et al. 2015);
                               ///< true: with s_t, after it, and C_{t-1} is fed (Luong et al. 2015, input feeding)
};

struct DecoderInput {
  Var embedded;                     ///< [rows, E]: the symbol consumed at each step, packed by target length
  Var memory;                       ///< [S, M]: source states, sources one after the other
  Var keys;                         ///< [S, A]; the memory itself for dot and scaled_dot
  std::vector<SourceSpan> sources;  ///< per packed target position
  std::vector<Var> initial;         ///< one per state of the cell, [B, state_size] in packed order
};

struct DecoderOutput {
  Var features;                         ///< [rows, P + M]: h and context of each step side by side
  Var weights;                          ///< [sum of len over rows]: attention of each row, rows in packed order
  std::vector<int64_t> weight_offsets;  ///< [rows + 1]
};

/// Runs the decoder over known targets (teacher forcing), full backward. The embedded part of the input product is done
/// for all steps at once, the keys are projected once by the caller, the batch is split over threads inside one
/// parallel region. Cells without a fused kernel run through attention_decoder_by_steps. Throws ShapeError, and for
/// unequal widths of query and key names the remedy.
DecoderOutput attention_decoder(Tape* tape, const Cell& cell, const Packing& packing, const DecoderInput& input,
                                const DecoderWeights& weights, const DecoderOptions& options);

/// The same made of small ops per step: the specification.
DecoderOutput attention_decoder_by_steps(Tape* tape, const Cell& cell, const Packing& packing,
                                         const DecoderInput& input, const DecoderWeights& weights,
                                         const DecoderOptions& options);

/// State of running decoders, one row each.
struct DecoderState {
  std::vector<Tensor> states;  ///< one per state of the cell, [R, state_size]
  Tensor context;              ///< [R, M]: the last context
};

/// One step of R decoders without a tape. embedded [R, E]; sources per row. `state` becomes the next one, in
/// new memory. Writes features [R, P + M] and, when given, the attention weights of each row one after the other. Equal
/// to attention_decoder step by step.
void attention_decoder_step(const Cell& cell, const Tensor& embedded, const DecoderInput& input,
                            const std::vector<SourceSpan>& sources, const DecoderWeights& weights,
                            const DecoderOptions& options, DecoderState& state, Tensor& features, Tensor* attention);

}  // namespace carousel::nn
