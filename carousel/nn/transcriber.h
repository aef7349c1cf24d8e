// Symbols for a sequence of numeric frames, of which nobody says when they come: projection, recurrent stack, softmax
// at each step, connectionist temporal classification.
#pragma once

#include <cstdint>
#include <vector>

#include "carousel/base/options.h"
#include "carousel/nn/context.h"
#include "carousel/nn/frame_batch.h"
#include "carousel/nn/module.h"
#include "carousel/nn/stack.h"

namespace carousel::nn {

struct TranscriberConfig {
  StackConfig stack;  ///< dropout also acts on projected frames and before the output
  int64_t embedding_size = 0;
  FrameNoise noise;

  TranscriberConfig() { stack.bidirectional = true; }
  /// Adds rows to the table's present section.
  void options(OptionTable& table);
};

struct TranscriberLoss {
  Var loss;            ///< mean over sequences
  double nll_sum = 0;  ///< nats
};

class Transcriber final : public Module {
 public:
  /// The blank is the symbol 0. Everything of the config must be decided. Throws ConfigError.
  Transcriber(const TranscriberConfig& config, int64_t frame_size, int64_t vocab_size, uint64_t seed);

  static constexpr int32_t kBlank = 0;

  /// Logits [rows, vocab_size] of each step, packed as the frames are.
  Var forward(Context& ctx, const FrameBatch& frames);
  /// Log-probabilities [length, vocab_size] of each sequence, in the caller's order, for decode/ctc.h.
  std::vector<std::vector<float>> log_probs(Context& ctx, const FrameBatch& frames);
  std::vector<std::vector<float>> log_probs(const FrameBatch& frames) {
    Context ctx;
    return log_probs(ctx, frames);
  }
  /// `targets` in the caller's order, without blanks. Throws ShapeError, also for a target that has more symbols than
  /// its sequence has room for.
  TranscriberLoss loss(Context& ctx, const FrameBatch& frames, const std::vector<std::vector<int32_t>>& targets);

  const RecurrentStack& stack() const { return stack_; }

 private:
  Var drop(Context& ctx, const Var& x) const;

  TranscriberConfig config_;
  RecurrentStack stack_;
  Var projection_, projection_bias_, weight_, bias_;
};

}  // namespace carousel::nn
