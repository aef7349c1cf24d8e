// Options of the task `tag` and what is decided from the data.
#pragma once

#include <cstdint>

#include "carousel/base/options.h"
#include "carousel/data/spans.h"
#include "carousel/data/tags.h"
#include "carousel/nn/tagger.h"
#include "carousel/train/trainer.h"

namespace carousel::tasks {

struct TagOptions {
  data::TagFormat format;
  double dev_share = 0;  ///< of the sentences; 0: chosen
  int64_t min_count = 1;
  int64_t max_line_bytes = int64_t{1} << 20;
  nn::TaggerConfig model;
  double word_dropout = -1;  ///< a word seen n times is read as unknown with probability w / (w + n); negative: chosen
  train::TrainerConfig trainer;
  int64_t batch_size = 0;  ///< 0: chosen

  void options(OptionTable& table);
  data::ReadOptions read_options() const;
};

/// What the data looks like to whoever decides.
struct TagSize {
  int64_t tokens = 0;
  data::TagScheme scheme = data::TagScheme::none;
};

/// Arithmetic of one training pass over the data with a model of these sizes, in operations.
double training_operations(const nn::TaggerConfig& model, const TagSize& size);

/// Fills in everything left automatic from the size of the data and the time given; never from what the data is called.
/// The rules are in docs/guide/tagging.md.
void decide(TagOptions& options, const TagSize& size);

}  // namespace carousel::tasks
