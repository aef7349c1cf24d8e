// A recurrent stack between an input and an answer: symbols or numeric frames in, classes or numbers out, once per
// sequence or at each step.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "carousel/nn/pooling.h"
#include "carousel/nn/stack.h"
#include "carousel/nn/stream.h"

namespace carousel::nn {

struct SequenceModelConfig {
  StackConfig stack;
  int64_t vocab_size = 0;        ///< above 0: the input is symbols, through an embedding
  int64_t input_size = 0;        ///< width of a frame, or of the embedding (0: that of the first layer)
  std::string pooling = "last";  ///< one of pooling_names(), or none: an answer at each step
  int64_t outputs = 1;           ///< classes, or numbers, of an answer
  int64_t heads = 1;             ///< independent answers at each place
  bool classes = false;          ///< softmax and cross-entropy; else the mean squared error of the numbers
};

/// A batch in the caller's order. Places: one per sequence when the model pools, else one per step, sequence after
/// sequence.
struct SequenceBatch {
  std::vector<int64_t> lengths;  ///< [B], each at least 1
  std::vector<int32_t> ids;      ///< [sum of lengths], sequence after sequence
  Tensor frames;                 ///< [sum of lengths, input_size] f32
  std::vector<int32_t> classes;  ///< [places * heads] wanted class; -1: not asked
  Tensor values;                 ///< [places, heads * outputs] wanted numbers
};

struct SequenceLoss {
  Var loss;             ///< one element: mean over what is asked
  double sum = 0;       ///< nats, or squared errors, summed over what is asked
  int64_t count = 0;    ///< answers asked: classes, or numbers
  int64_t correct = 0;  ///< classes whose most probable class is the wanted one
};

class SequenceModel final : public Module {
 public:
  /// Throws ConfigError.
  SequenceModel(const SequenceModelConfig& config, uint64_t seed);

  /// Answers [places, heads * outputs] (logits or numbers). `state` (may be null): in, where the sequences were left,
  /// empty at their beginning; out, where they are now, detached. Throws ShapeError for a batch that does not fit.
  Var forward(Context& ctx, const SequenceBatch& batch, StackState* state = nullptr);
  /// The loss of answers to a batch.
  SequenceLoss loss(Context& ctx, const SequenceBatch& batch, const Var& answers) const;

  /// For reading one step at a time: the answer after each step is the one to the sequence up to it. Throws
  /// UnsupportedError for pooling that looks at all steps.
  StreamNetwork stream_network() const;

  const SequenceModelConfig& config() const { return config_; }
  const RecurrentStack& stack() const { return stack_; }
  bool at_each_step() const { return config_.pooling == "none"; }

 private:
  Var input(Context& ctx, const SequenceBatch& batch, const Packing& packing, const std::vector<int64_t>& rows) const;

  SequenceModelConfig config_;
  Var embedding_;
  RecurrentStack stack_;
  std::unique_ptr<Pooling> pooling_;
  Var weight_, bias_;
};

}  // namespace carousel::nn
