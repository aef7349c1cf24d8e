// The network that turns frames into symbols, with either decoder behind one face.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "carousel/decode/search.h"
#include "carousel/nn/frame_batch.h"
#include "carousel/nn/module.h"
#include "carousel/nn/seq2seq.h"
#include "carousel/nn/transcriber.h"
#include "carousel/tasks/transduce_config.h"

namespace carousel::tasks {

/// Symbols are ids of a tokenizer's vocabulary, without markers, on both sides of this class.
class TranscribeNetwork final : public nn::Module {
 public:
  /// `config` decided; frame_size numbers in a step, vocab_size with the markers. Throws ConfigError.
  TranscribeNetwork(const TransduceConfig& config, int64_t frame_size, int64_t vocab_size, uint64_t seed);

  bool ctc() const { return transcriber_ != nullptr; }

  struct Loss {
    Var loss;             ///< mean over symbols
    double nll_sum = 0;   ///< nats
    int64_t tokens = 0;   ///< with end markers where the decoder writes them
    int64_t correct = 0;  ///< of attention only, without a tape: given the right prefix
  };
  /// Of targets in the caller's order. `guidance` as in nn::Seq2Seq::loss. Throws ShapeError for a target without room,
  /// see steps_needed().
  Loss loss(nn::Context& ctx, const nn::FrameBatch& frames, const std::vector<std::vector<int32_t>>& targets,
            double guidance);
  /// Steps without which a target cannot be written.
  int64_t steps_needed(const std::vector<int32_t>& target) const;

  /// Of ctc the ids of the symbols that its search goes by (what config.fusion scores); -1 for the blank and for
  /// what is unknown.
  std::vector<int32_t> written_ids() const;
  /// The most probable symbols for each sequence, best first. With ctc greedy for a beam of 1 and one answer without a
  /// language model, else by prefix beam search; log_prob is that of all paths.
  decode::Results search(const nn::FrameBatch& frames, const decode::SearchConfig& config);

  /// Where an output was found in its sequence: [symbols + 1, steps], each row sums to 1. Of attention the last row is
  /// that of the end marker, of ctc that of the blank; rows of symbols are p(the step is this symbol | output) over its
  /// sum. `recorder` hears gates and states.
  std::vector<float> places(const nn::FrameBatch& one, const std::vector<int32_t>& output, nn::Recorder* recorder);

  const nn::RecurrentStack& stack() const;

 private:
  std::vector<int32_t> to_ctc(const std::vector<int32_t>& ids) const;
  decode::Hypothesis from_ctc(const std::vector<float>& log_probs, decode::Hypothesis found) const;

  int64_t ctc_size_ = 0;  ///< symbols of the output layer of ctc
  std::unique_ptr<nn::Transcriber> transcriber_;
  std::unique_ptr<nn::Seq2Seq> seq2seq_;
};

}  // namespace carousel::tasks
