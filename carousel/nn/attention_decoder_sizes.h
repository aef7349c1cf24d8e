// What the fused and the stepwise attention decoder share: the widths of a decoder, checked, and its attention rows.
#pragma once

#include <cmath>

#include "carousel/nn/attention_decoder.h"

namespace carousel::nn {

struct DecoderSizes {
  int64_t hidden;  ///< H, units
  int64_t state;   ///< P, width of h
  int64_t embed;   ///< E
  int64_t width;   ///< M
  int64_t dim;     ///< A
  int64_t gates;   ///< G*H
  int64_t fed;     ///< M when the context is part of the cell's input and 0 otherwise
  int64_t features() const { return state + width; }
};

/// Throws ShapeError when the tensors do not fit each other. embedded [rows, E].
DecoderSizes decoder_sizes(const Cell& cell, const Tensor& embedded, const DecoderInput& input,
                           const DecoderWeights& weights, const DecoderOptions& options);

/// The attention over one source.
template <class T>
AttentionRow<T> attention_row(const DecoderSizes& s, const DecoderOptions& options, const DecoderInput& input,
                              const DecoderWeights& weights, SourceSpan source) {
  return {options.score,
          source.len,
          s.dim,
          s.width,
          input.keys.value().template data<T>() + source.begin * s.dim,
          input.memory.value().template data<T>() + source.begin * s.width,
          weights.v.defined() ? weights.v.value().template data<T>() : nullptr,
          options.score == Score::scaled_dot ? T(1) / std::sqrt(static_cast<T>(s.state)) : T(1)};
}

/// attention_decoder_step through the cell's step().
void attention_decoder_step_by_ops(const Cell& cell, const Tensor& embedded, const DecoderInput& input,
                                   const std::vector<SourceSpan>& sources, const DecoderWeights& weights,
                                   const DecoderOptions& options, DecoderState& state, Tensor& features,
                                   Tensor* attention);

}  // namespace carousel::nn
