// Encoder-decoder with attention: bidirectional recurrent encoder of symbols or numeric frames, bridge, recurrent
// decoder, softmax over symbols.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "carousel/base/options.h"
#include "carousel/nn/attention_decoder.h"
#include "carousel/nn/context.h"
#include "carousel/nn/frame_batch.h"
#include "carousel/nn/module.h"
#include "carousel/nn/stack.h"
#include "carousel/tensor/packing.h"

namespace carousel::nn {

struct Seq2SeqConfig {
  /// The encoder; widths and num_layers are chosen from the size of the data where they are missing. The decoder is one
  /// layer of the same cell, as wide as the encoder's last. Dropout (negative: chosen) also acts on embeddings, the
  /// states that are attended to, and the readout.
  StackConfig stack;
  int64_t embedding_size = 0;  ///< 0: chosen
  std::string attention = "additive";
  int64_t attention_size = 0;        ///< A; 0: that of the decoder
  std::string context = "both";      ///< init | input | both: how the source reaches the decoder's cell
  std::string query = "auto";        ///< previous | current; auto: current where symbols are copied, else previous
  std::string copy = "auto";         ///< on | off; auto: as the task decides from the data, off where there is none
  int64_t readout_size = -1;         ///< width of the tanh layer between decoder and output; 0: none; negative: chosen
  std::string tie_weights = "auto";  ///< on | off; auto: as the task decides, off where there is none
  double label_smoothing = 0.1;
  double guided_attention = -1;        ///< weight of the prior on attention at the start; negative: chosen
  std::string guided_by = "diagonal";  ///< diagonal | alignment: where that prior pulls attention
  double guided_until = 0.3;           ///< fraction of the budget by which it has faded to nothing
  double guided_width = 0.25;          ///< width of the diagonal, as a fraction of the sequence
  FrameNoise noise;                    ///< what training changes in sources that are frames

  Seq2SeqConfig() {
    stack.bidirectional = true;
    stack.dropout = -1;
  }
  void options(OptionTable& table);
  /// Units of the decoder. Throws ConfigError while no width is known.
  int64_t decoder_size() const { return stack.widths().back(); }
  /// What can be refused before any data is known: throws ConfigError for choices that exclude each other.
  void check() const;
};

/// A batch of ids. Targets are without markers.
struct Seq2SeqBatch {
  std::vector<std::vector<int32_t>> sources;  ///< each non-empty; none where the sources are frames
  /// Where symbols are copied, ids from the target vocabulary's size on mean those that only the source has.
  std::vector<std::vector<int32_t>> targets;
  /// The sources' symbols as those of targets, negative for one that is never copied; empty where nothing is copied.
  std::vector<std::vector<int32_t>> copies;
  FrameBatch frames = {};  ///< the sources, where they are no symbols
  /// p(source position | target position), [target.size(), source.size()] for each pair, that attention is guided by in
  /// the place of the diagonal; empty: the diagonal.
  std::vector<std::vector<float>> alignments = {};
};

struct Seq2SeqLoss {
  Var loss;
  double nll_sum = 0;
  int64_t tokens = 0;   ///< end markers included
  int64_t correct = 0;  ///< tokens whose most probable symbol is the right one, given the right prefix
};

/// Encoded sources, ready for decoding.
struct Encoded {
  DecoderInput input;  ///< memory and keys; spans and first states by source
  int64_t num_sources = 0;
};

class Seq2Seq final : public Module {
 public:
  /// Sizes of the vocabularies and their markers. Everything of the config must be decided. Throws ConfigError.
  struct Vocabularies {
    int64_t source_size = 0, target_size = 0;
    int32_t source_unk = 0;  ///< its embedding starts at zero: a symbol never seen says nothing
    int32_t bos = 0, eos = 0;
    int32_t target_unk = 0;  ///< what a symbol that only a source has is when it is read again
    int64_t frame_size = 0;  ///< numbers of a frame, where sources are frames and no symbols
  };
  Seq2Seq(const Seq2SeqConfig& config, const Vocabularies& vocabularies, uint64_t seed);

  const Seq2SeqConfig& config() const { return config_; }
  const Vocabularies& vocabularies() const { return vocabularies_; }
  int64_t hidden_size() const { return config_.decoder_size(); }
  /// Width M of a source state.
  int64_t state_width() const { return encoder_.output_size(); }
  bool copies() const { return config_.copy == "on"; }
  bool reads_frames() const { return vocabularies_.frame_size > 0; }
  bool tied() const { return config_.tie_weights == "on"; }
  const Cell& cell() const { return encoder_.cell(); }
  const RecurrentStack& encoder() const { return encoder_; }

  /// Teacher-forced loss of a batch: cross-entropy with label smoothing, of the mixture where symbols are copied
  /// (autograd/ops/copy.h), plus `guidance` times the prior on attention. Throws ShapeError for alignments that do not
  /// fit.
  Seq2SeqLoss loss(Context& ctx, const Seq2SeqBatch& batch, double guidance);
  Encoded encode(Context& ctx, const std::vector<std::vector<int32_t>>& sources);
  Encoded encode(Context& ctx, const FrameBatch& frames);
  /// One decoding step of some rows: consumes tokens, advances `state`, returns logits [R, V]; attention as
  /// attention_decoder_step. A recorder in the context hears "decoder/<gate>" and "decoder/<state>", [R, H] at each
  /// step. Where symbols are copied, `gate` receives [R, 1]: the logit of writing one of one's own.
  Tensor step(const Context& ctx, const Encoded& encoded, const std::vector<SourceSpan>& rows,
              std::span<const int32_t> tokens, DecoderState& state, Tensor* attention, Tensor* gate = nullptr);

 private:
  /// Of each weight of attention, for guided_attention_loss().
  std::vector<double> attention_costs(const Seq2SeqBatch& batch, const Packing& packing,
                                      const std::vector<SourceSpan>& sources) const;
  void record_step(const Context& ctx, const Var& embedded, const DecoderState& before,
                   const DecoderState& after) const;
  struct States;
  States run_encoder(Context& ctx, const std::vector<std::vector<int32_t>>& sources);
  States run_encoder(Context& ctx, const FrameBatch& frames);
  States run_encoder(Context& ctx, const Packing& packing, const Var& embedded);
  Encoded encoded(Context& ctx, const States& states);
  DecoderInput bridge(Context& ctx, const States& states, const std::vector<int64_t>& order);
  void first_states(Context& ctx, const Var& last, DecoderInput& in) const;
  DecoderWeights decoder_weights() const;
  DecoderOptions decoder_options() const;
  Var drop(Context& ctx, const Var& x);
  Var embed_target(Tape* tape, std::span<const int32_t> tokens) const;
  Var hidden_readout(Tape* tape, const Var& joined) const;
  int32_t read(int32_t written) const {
    return written < vocabularies_.target_size ? written : vocabularies_.target_unk;
  }

  Seq2SeqConfig config_;
  Score score_;
  Vocabularies vocabularies_;
  RecurrentStack encoder_;
  Var source_embedding_, target_embedding_;
  Var projection_, projection_bias_;  // of frames, in the place of the source embedding
  Var bridge_weight_, bridge_bias_;
  Var key_weight_, key_bias_, query_weight_, score_vector_;
  CellWeights decoder_;
  Var readout_weight_, readout_bias_;  // undefined without a readout layer
  Var output_weight_, output_bias_;    // the weight is the target embedding when they are tied
  Var copy_weight_, copy_bias_;        // of the gate between writing and copying
};

}  // namespace carousel::nn
