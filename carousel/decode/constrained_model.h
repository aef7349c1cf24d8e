// A step model that rules out some continuations of another.
#pragma once

#include <vector>

#include "carousel/decode/search.h"
#include "carousel/decode/step_model.h"

namespace carousel::decode {

/// The model with log-probability -inf for the end marker before min_length symbols, and for symbols that would make an
/// n-gram of no_repeat_ngram symbols a second time. What is left keeps its log-probability: nothing is renormalised.
/// Where nothing would be left, the end marker is. Any search method runs over it.
class ConstrainedModel final : public StepModel {
 public:
  /// `model` must live as long as this.
  ConstrainedModel(StepModel& model, const SearchConfig& config);
  int64_t num_sources() const override { return model_.num_sources(); }
  int64_t vocab_size() const override { return model_.vocab_size(); }
  int32_t bos() const override { return model_.bos(); }
  int32_t eos() const override { return model_.eos(); }
  void start() override;
  void step(std::span<const int64_t> parents, std::span<const int32_t> tokens, float* log_probs) override;
  std::span<const float> attention_of(int64_t row) const override { return model_.attention_of(row); }

 private:
  using Tokens = std::vector<int32_t>;
  void rule_out(const Tokens& prefix, std::span<float> log_probs) const;

  StepModel& model_;
  size_t min_length_, ngram_;
  std::vector<Tokens> prefixes_;  // of the rows, without the begin marker
};

}  // namespace carousel::decode
