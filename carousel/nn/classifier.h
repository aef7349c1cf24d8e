// One class for a whole sequence of symbols or numeric frames: embedding or projection, recurrent stack, pooling,
// softmax.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "carousel/base/options.h"
#include "carousel/nn/context.h"
#include "carousel/nn/frame_batch.h"
#include "carousel/nn/module.h"
#include "carousel/nn/pooling.h"
#include "carousel/nn/stack.h"

namespace carousel::nn {

struct ClassifierConfig {
  /// Dropout (negative: chosen) also acts on embeddings and before the output.
  StackConfig stack;
  int64_t embedding_size = 0;    ///< 0: chosen
  std::string pooling = "max";   ///< one of pooling_names()
  double label_smoothing = 0.1;  ///< share of the target probability spread over all classes
  double symbol_dropout = -1;    ///< probability that training reads a symbol as unknown; negative: chosen
  FrameNoise noise;              ///< of frames

  ClassifierConfig() {
    stack.bidirectional = true;
    stack.dropout = -1;
  }
  /// Adds rows to the table's present section.
  void options(OptionTable& table);
};

/// Sequences of ids (each at least one) or of frames, and the class of each. Weights [num_classes] of the classes in
/// the loss; empty: all 1.
struct ClassifierBatch {
  std::vector<std::vector<int32_t>> sequences;
  std::vector<int32_t> classes;
  std::vector<double> class_weights = {};
  FrameBatch frames = {};  ///< of a classifier that reads them; `sequences` is empty then
};

struct ClassifierLoss {
  Var loss;            ///< sum_i w(y_i) loss_i / sum_i w(y_i)
  double nll_sum = 0;  ///< nats, without smoothing and weights
};

class Classifier final : public Module {
 public:
  struct Sizes {
    int64_t vocab_size = 0, num_classes = 0;
    int32_t unk = 0;         ///< the symbol that stands for all unknown ones
    int64_t frame_size = 0;  ///< numbers in a frame, which a linear projection takes to embedding_size; 0: ids are read
  };
  /// Everything of the config must be decided. Throws ConfigError.
  Classifier(const ClassifierConfig& config, const Sizes& sizes, uint64_t seed);

  /// Logits [B, num_classes] in the caller's order. A recorder hears the stack's gates and states ("layer.0/...") and
  /// "pooling/attention".
  Var forward(Context& ctx, const std::vector<std::vector<int32_t>>& sequences);
  Var forward(Context& ctx, const FrameBatch& frames);
  /// Cross-entropy with label smoothing and class weights. Throws ShapeError.
  ClassifierLoss loss(Context& ctx, const ClassifierBatch& batch);

  /// What logits are divided by to make calibrated probabilities: a parameter of the model that no gradient reaches, so
  /// that it is kept, averaged and restored with the weights it was fitted to. 1 at first.
  double temperature() const { return temperature_.value().item(); }
  void set_temperature(double temperature) const { temperature_.mutable_value().fill(temperature); }
  /// How much the opinion of a simpler classifier counts beside the logits; kept like the temperature. 0 at first.
  double trust() const { return trust_.value().item(); }
  void set_trust(double trust) const { trust_.mutable_value().fill(trust); }

  const ClassifierConfig& config() const { return config_; }
  const Sizes& sizes() const { return sizes_; }
  const RecurrentStack& stack() const { return stack_; }

 private:
  Var drop(Context& ctx, const Var& x) const;
  Var answer(Context& ctx, const Packing& packing, const Var& embedded);
  std::vector<int32_t> packed_ids(Context& ctx, const Packing& packing,
                                  const std::vector<std::vector<int32_t>>& sequences) const;

  ClassifierConfig config_;
  Sizes sizes_;
  Var embedding_, projection_bias_;
  RecurrentStack stack_;
  std::unique_ptr<Pooling> pooling_;
  Var weight_, bias_, temperature_, trust_;
};

}  // namespace carousel::nn
