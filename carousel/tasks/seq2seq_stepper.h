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
  Seq2SeqStepper(nn::Seq2Seq& model, const std::vector<std::vector<int32_t>>& sources,
                 nn::Recorder* recorder = nullptr);

  int64_t num_sources() const override { return encoded_.num_sources; }
  int64_t vocab_size() const override { return model_.vocabularies().target_size; }
  int32_t bos() const override { return model_.vocabularies().bos; }
  int32_t eos() const override { return model_.vocabularies().eos; }
  void start() override;
  void step(std::span<const int64_t> parents, std::span<const int32_t> tokens, float* log_probs) override;

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
};

}  // namespace carousel::tasks
