// Options of the task `transduce` and what is decided from the data.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "carousel/base/options.h"
#include "carousel/data/config.h"
#include "carousel/decode/search.h"
#include "carousel/nn/seq2seq.h"
#include "carousel/nn/transcriber.h"
#include "carousel/tasks/frame_options.h"
#include "carousel/tasks/task.h"

namespace carousel::tasks {

struct TransduceConfig {
  data::DataConfig data;
  FrameOptions frames;  ///< of recordings and series that have texts
  /// ctc | attention; auto: ctc where sources are frames, else attention. What writes the target.
  std::string decoder = "auto";
  nn::Seq2SeqConfig model;
  decode::SearchConfig search;
  train::TrainerConfig trainer;
  int64_t batch_size = 0;                ///< 0: chosen from the size of the data
  int64_t batch_symbols = 0;             ///< 0: chosen
  std::string replace_unknown = "auto";  ///< auto | on | off: what is written for a symbol that the model cannot write

  TransduceConfig() {
    search.length_penalty = 1;      // smoothed labels make each symbol cost something: without it short answers win
    search.max_length_factor = -1;  // chosen
  }
  void options(OptionTable& table);
  /// The part of `model` that a network of decoder = ctc has.
  nn::TranscriberConfig transcriber() const;
};

/// Share of the symbols of targets that must stand in their sources beyond chance for copying to be worth its time.
inline constexpr double kCopiedEnough = 0.1;

/// What the data looks like to whoever decides.
struct DataSize {
  int64_t examples = 0;
  double mean_source_length = 0;
  double mean_target_length = 0;
  int64_t target_vocab = 0;
  /// Symbols of all targets: what there is to learn from.
  double target_symbols() const { return static_cast<double>(examples) * mean_target_length; }
  double length_factor = 0;    ///< times the source's length that the longest targets have beyond max_length_extra
  int64_t longest_target = 0;  ///< symbols, where sources have more than that on average; else 0
  bool words = false;          ///< both sides are cut into words
  double copied = 0;  ///< share of the target symbols that are in their sources beyond chance, where they can be copied
};

/// What frames with texts look like to whoever decides.
struct TextFramesSize {
  FrameSize frames;  ///< mean_length in steps, as the network reads them
  double mean_target_length = 0;
  int64_t target_vocab = 0;
  double length_factor = 0;  ///< as in DataSize
};

/// Arithmetic of one training pass over the data with a model of these sizes, in operations.
double training_operations(const nn::Seq2SeqConfig& model, const DataSize& size);

/// Fills in everything left automatic from the size of the data and the time given; never from what the data is called.
/// The rules are in docs/guide/transduce.md.
void decide(TransduceConfig& config, const DataSize& size);
/// The same for frames; the rules are in docs/guide/transcribe.md. First how they are read: `symbols` are those of a
/// text on average, and `fits(stack)` is the share of the texts that have room when so many frames are put together.
void decide_reading(TransduceConfig& config, const FrameSize& size, double symbols,
                    const std::function<double(int64_t)>& fits);
void decide_frames(TransduceConfig& config, const TextFramesSize& size);

/// A model's own search where `options` leaves it open.
decode::SearchConfig with_options(decode::SearchConfig own, const PredictOptions& options);
/// "lstm of 128 units, additive attention with the previous state, context = both".
std::string decoder_text(const TransduceConfig& config);
/// UnsupportedError: there is no attention to look at.
[[noreturn]] void refuse_map_without_attention();

}  // namespace carousel::tasks
