// A sequence-to-sequence model as search methods see it.
#pragma once

#include <vector>

#include "carousel/decode/step_model.h"
#include "carousel/nn/seq2seq.h"

namespace carousel::tasks {

/// Steps the decoders of a batch of encoded sources. Owns the states, not the model.
class Seq2SeqStepper final : public decode::StepModel {
 public:
  /// `recorder`, when given, hears the gates and states of the encoder and of each step; it must outlive the stepper.
  /// `copies`: what the sources' symbols are called when they are copied, see nn::Seq2SeqBatch; needed where the model
  /// copies.
  Seq2SeqStepper(nn::Seq2Seq& model, const std::vector<std::vector<int32_t>>& sources,
                 const std::vector<std::vector<int32_t>>& copies, nn::Recorder* recorder = nullptr);
  /// Of frames, from which nothing is copied.
  Seq2SeqStepper(nn::Seq2Seq& model, const nn::FrameBatch& frames, nn::Recorder* recorder = nullptr);

  int64_t num_sources() const override { return encoded_.num_sources; }
  /// Where the model copies, with the symbols that only some source has.
  int64_t vocab_size() const override { return vocab_size_; }
  int32_t bos() const override { return model_.vocabularies().bos; }
  int32_t eos() const override { return model_.vocabularies().eos; }
  void start() override;
  void step(std::span<const int64_t> parents, std::span<const int32_t> tokens, float* log_probs) override;
  std::span<const float> attention_of(int64_t row) const override;

  /// Attention of the last step, rows one after the other, and the spans of its rows.
  const Tensor& attention() const { return attention_; }
  const std::vector<nn::SourceSpan>& spans() const { return spans_; }

 private:
  nn::Seq2Seq& model_;
  nn::Context ctx_;
  nn::Encoded encoded_;
  nn::DecoderState state_;
  std::vector<nn::SourceSpan> spans_;
  Tensor attention_;
  std::vector<int32_t> symbols_;  // of all source positions in the order of the memory, where the model copies
  std::vector<size_t> offsets_;   // where the rows of attention_ begin, and its end
  int64_t vocab_size_;
};

/// Attention while a given output is written for the first source: [symbols + 1, source length], the end marker last.
std::vector<float> attention_of(Seq2SeqStepper& stepper, const std::vector<int32_t>& output);

}  // namespace carousel::tasks
