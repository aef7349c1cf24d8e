// Options of the task `lm` and what is decided from the data.
#pragma once

#include <cstdint>
#include <string>

#include "carousel/base/options.h"
#include "carousel/data/line_reader.h"
#include "carousel/nn/language_model.h"
#include "carousel/train/trainer.h"

namespace carousel::tasks {

struct LanguageModelOptions {
  std::string tokens = "auto";  ///< auto | characters | words | bpe | unigram
  int64_t bpe_merges = 0;       ///< 0: chosen from the size of the data
  int64_t min_count = 1;
  int64_t vocab_size = 0;  ///< symbols at most; 0: chosen
  double dev_share = 0;    ///< of the lines, from the end; 0: chosen
  int64_t max_line_bytes = int64_t{1} << 20;
  std::string recipe = "plain";  ///< plain | regularised: what automatic options become
  nn::LanguageModelConfig model;
  train::TrainerConfig trainer;
  int64_t batch_size = 0;   ///< streams; 0: chosen
  int64_t bptt = 0;         ///< steps that gradients flow back; 0: chosen
  bool carry_state = true;  ///< the state goes from one batch to the next

  void options(OptionTable& table);
  data::ReadOptions read_options() const;
};

/// What a text looks like to whoever decides.
struct TextSize {
  int64_t symbols = 0;  ///< of the training part
  bool characters = false;
};

/// Fills in everything left automatic from the size of the text; never from what it is called. The rules are in
/// docs/guide/language_model.md.
void decide(LanguageModelOptions& options, const TextSize& size);

}  // namespace carousel::tasks
