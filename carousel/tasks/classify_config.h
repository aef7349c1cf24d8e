// Options of the task `classify` and what is decided from the data: texts, or sequences of numeric frames.
#pragma once

#include <cstdint>
#include <string>

#include "carousel/base/options.h"
#include "carousel/data/labels.h"
#include "carousel/data/naive_bayes.h"
#include "carousel/data/text_symbols.h"
#include "carousel/nn/classifier.h"
#include "carousel/tasks/frame_options.h"
#include "carousel/train/trainer.h"

namespace carousel::tasks {

struct ClassifyOptions {
  data::LabelFormat format;
  FrameOptions frames;
  int64_t members = 0;  ///< networks whose mean answers; 0: chosen
  data::TextSymbols symbols;
  double dev_share = 0;    ///< of the texts; 0: chosen
  int64_t max_length = 0;  ///< symbols; 0: chosen
  int64_t max_line_bytes = int64_t{1} << 20;
  nn::ClassifierConfig model;
  int64_t ngrams = -1;  ///< longest runs of symbols that naive Bayes looks at beside the network; 0: none; -1: chosen
  std::string class_weights = "none";  ///< none | balanced
  train::TrainerConfig trainer;
  int64_t batch_size = 0;  ///< 0: chosen

  void options(OptionTable& table);
  data::ReadOptions read_options() const;
};

/// What the data looks like to whoever decides.
struct ClassifySize {
  int64_t examples = 0;
  double mean_length = 0;   ///< symbols of a text, after it was cut
  bool characters = false;  ///< that is what the symbols are
};

/// Arithmetic of one training pass over the data with a model of these sizes, in operations.
double training_operations(const nn::ClassifierConfig& model, const ClassifySize& size);

/// Fills in everything left automatic from the size of the data and the time given; never from what the data is called.
/// The rules are in docs/guide/classify.md.
void decide(ClassifyOptions& options, const ClassifySize& size);
/// The same for frames: first how they are read, and from these the rest. The rules are in docs/guide/frames.md.
void decide_reading(ClassifyOptions& options, const FrameSize& size);
void decide_frames(ClassifyOptions& options, const FrameSize& size);

}  // namespace carousel::tasks
