// Language models: a recurrent one, and the feed-forward one that sees a fixed window.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "carousel/autograd/ops/losses.h"
#include "carousel/nn/stack.h"
#include "carousel/nn/stream.h"

namespace carousel::nn {

struct LanguageModelConfig {
  std::string model = "recurrent";  ///< recurrent | window
  int64_t window = 0;               ///< symbols that the window model sees; 0: 5
  int64_t embedding_size = 0;       ///< 0: width of the last layer
  bool tie_weights = true;          ///< output matrix = embedding matrix (Press & Wolf 2017; Inan et al. 2017)
  double input_dropout = -1;        ///< on embeddings; negative: chosen
  double output_dropout = -1;       ///< before the output matrix; negative: chosen
  double embedding_dropout = -1;    ///< of whole symbols of the input; negative: chosen
  StackConfig stack;                ///< the window model takes the widths of its tanh layers from it

  LanguageModelConfig() { stack.dropout = stack.recurrent_dropout = -1; }  // chosen
  /// Adds rows to the table's present section.
  void options(OptionTable& table);
  /// What can be refused before any data is known: throws ConfigError.
  void check() const;
};

/// Where B streams have been left: what the next symbols depend on.
struct LanguageState {
  StackState stack;             ///< recurrent: empty at the beginning
  std::vector<int32_t> recent;  ///< window: [window - 1, B], the symbols before, oldest first
};

/// p(next symbol | symbols so far).
///
/// recurrent: e_t = E x_t; h_t = stack(e_t, h_{t-1}); logits = E' h_t + b, with E' = E when tied. When the widths of
/// embedding and last layer differ, a projection [embedding_size, hidden] stands between ("projection.weight").
/// window (Bengio et al. 2003, without its direct connections): h = tanh(W [e_{t-n+1}; ...; e_t] + b), more tanh layers
/// by hidden_size, then as above. Before its beginning a stream holds `begin` symbols.
class LanguageModel final : public Module {
 public:
  /// Everything of the config must be decided. Throws ConfigError.
  LanguageModel(const LanguageModelConfig& config, int64_t vocab_size, int32_t begin, uint64_t seed);

  /// `ids` [T, B], step after step; logits [T * B, V] of the symbols that follow. `state` carries the streams on
  /// (gradients end there); `begin` ones when empty. Throws ShapeError.
  Var forward(Context& ctx, const std::vector<int32_t>& ids, int64_t batch_size, LanguageState& state);
  /// Mean cross-entropy of what follows, `targets` [T * B]: that of forward()'s logits, which are never in memory as a
  /// whole.
  ops::CrossEntropy loss(Context& ctx, const std::vector<int32_t>& ids, std::span<const int32_t> targets,
                         int64_t batch_size, LanguageState& state);
  /// The state of `batch_size` streams that have read nothing, with all its tensors, zeros.
  LanguageState begin_state(int64_t batch_size) const;

  /// For reading one symbol at a time. Throws UnsupportedError for a window model.
  StreamNetwork stream_network() const;

  const LanguageModelConfig& config() const { return config_; }
  int64_t vocab_size() const { return vocab_size_; }
  bool is_window() const { return config_.model == "window"; }
  bool has_projection() const { return projection_.defined(); }
  const RecurrentStack* stack() const { return stack_.get(); }

 private:
  Var hidden_of_window(Context& ctx, const std::vector<int32_t>& ids, int64_t batch_size, LanguageState& state);
  Var hidden_of_stack(Context& ctx, const std::vector<int32_t>& ids, int64_t batch_size, LanguageState& state);
  /// What the output matrix multiplies, [T * B, embedding_size or width of the last layer].
  Var readout(Context& ctx, const std::vector<int32_t>& ids, int64_t batch_size, LanguageState& state);
  const Var& output_weight() const { return config_.tie_weights ? embedding_ : output_weight_; }
  uint64_t embedding_stream(Context& ctx) const;
  /// Embeddings of the symbols, [ids, embedding_size]; `stream` names what embedding_dropout draws.
  Var embed(Context& ctx, std::span<const int32_t> ids, uint64_t stream) const;
  /// x [T * B, width]: dropout with one mask for each value, or for each stream (variational_dropout).
  Var drop(Context& ctx, const Var& x, double probability, int64_t batch_size) const;

  LanguageModelConfig config_;
  int64_t vocab_size_;
  int32_t begin_;
  Var embedding_;
  std::unique_ptr<RecurrentStack> stack_;
  std::vector<Var> weights_, biases_;  // of the window model's layers
  Var projection_, output_weight_, output_bias_;
};

}  // namespace carousel::nn
