#include "carousel/tasks/transduce_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "carousel/base/threads.h"

namespace carousel::tasks {

void TransduceConfig::options(OptionTable& table) {
  table.section("data");
  data.options(table);
  frames.options_of_texts(table);
  table.section("model");
  table
      .add("decoder", &decoder,
           "What writes the text of frames: ctc (at each step a symbol or none; connectionist temporal classification) "
           "or attention (symbol after symbol, as for texts); auto: ctc for frames, attention for texts.")
      .one_of({"auto", "ctc", "attention"});
  model.options(table);
  trainer.options(table);
  frames.training_options(table);
  table.add("batch_size", &batch_size, "Pairs in one step at most.").range(1, 65536).automatic();
  table
      .add("batch_symbols", &batch_symbols,
           "Symbols of both sides (of frames: those that the network reads) in one step at most, before any are drawn "
           "or stretched by chance, a longer pair alone; auto: 8,192, which bounds the memory.")
      .range(1, 1e9)
      .automatic();
  table.section("decode");
  search.options(table);
  table
      .add(
          "replace_unknown", &replace_unknown,
          "In the place of a symbol that the model does not know it writes the input's symbol with the most attention; "
          "auto: where both sides are words.")
      .one_of({"auto", "on", "off"});
}

nn::TranscriberConfig TransduceConfig::transcriber() const {
  nn::TranscriberConfig config;
  config.stack = model.stack;
  config.embedding_size = model.embedding_size;
  config.noise = model.noise;
  return config;
}

double training_operations(const nn::Seq2SeqConfig& m, const DataSize& size) {
  const double ways = m.stack.bidirectional ? 2 : 1;
  const auto e = static_cast<double>(m.embedding_size), h = static_cast<double>(m.decoder_size());
  double source = 0, input = e;
  for (const int64_t units : m.stack.widths()) {
    const auto n = static_cast<double>(units);
    source += ways * 4 * n * (input + n);
    input = ways * n;
  }
  source += input * h;
  const double joined = h + input + e, readout = static_cast<double>(m.readout_size);
  const double output = m.readout_size > 0 ? readout * (joined + static_cast<double>(size.target_vocab))
                                           : joined * static_cast<double>(size.target_vocab);
  const double target = 4 * h * (e + input + h) + h * h + output;
  // Two operations for each multiply-add; forward, and backward for values and for weights.
  return 6 * static_cast<double>(size.examples) *
         (source * size.mean_source_length + target * (size.mean_target_length + 1));
}

namespace {

struct Sizes {
  int64_t num_layers, hidden_size, embedding_size;
};

/// Largest first. A row is for data whose targets have at least so many symbols together.
struct SizeRow {
  double symbols;
  Sizes sizes;
};
constexpr SizeRow kSizes[] = {
    {200000, {2, 256, 128}}, {200000, {1, 256, 128}}, {15000, {1, 192, 96}}, {0, {1, 128, 64}}};

constexpr int64_t kBatchSymbols = 8192;
constexpr double kOperationsPerSecond = 50e9;  ///< of one core, as a guess that does not depend on the machine's load
constexpr int64_t kManySymbols = 1000;         ///< from here on the output is worth a layer before it
constexpr double kEpochsWanted = 8;            ///< a larger model must see the data so often to be worth its time

void fill(nn::Seq2SeqConfig& model, const Sizes& sizes, int64_t target_vocab) {
  if (model.stack.hidden_size.empty()) model.stack.hidden_size = {sizes.hidden_size};
  if (model.stack.num_layers == 0)
    model.stack.num_layers =
        model.stack.hidden_size.size() > 1 ? static_cast<int64_t>(model.stack.hidden_size.size()) : sizes.num_layers;
  const bool many = target_vocab >= kManySymbols;
  if (model.embedding_size == 0) model.embedding_size = many ? sizes.hidden_size : sizes.embedding_size;
  if (model.readout_size < 0) model.readout_size = many || model.tie_weights == "on" ? model.embedding_size : 0;
  if (model.tie_weights == "auto")
    model.tie_weights = model.readout_size > 0 && model.readout_size == model.embedding_size ? "on" : "off";
}

/// The largest model that the data can feed and the time can train.
void decide_sizes(nn::Seq2SeqConfig& model, const DataSize& size, double seconds, int64_t threads) {
  for (const SizeRow& row : kSizes) {
    if (size.target_symbols() < row.symbols) continue;
    nn::Seq2SeqConfig candidate = model;
    fill(candidate, row.sizes, size.target_vocab);
    const double capacity = seconds * kOperationsPerSecond * static_cast<double>(threads);
    const bool last = row.symbols == 0;
    if (seconds > 0 && !last && training_operations(candidate, size) * kEpochsWanted > capacity) continue;
    model = candidate;
    return;
  }
}

}  // namespace

void decide(TransduceConfig& config, const DataSize& size) {
  train::TrainerConfig& trainer = config.trainer;
  nn::Seq2SeqConfig& m = config.model;
  const double symbols = size.target_symbols();
  decide_sizes(m, size, trainer.max_seconds, trainer.threads > 0 ? trainer.threads : num_threads());
  if (m.copy == "auto") m.copy = m.attention != "none" && size.copied >= kCopiedEnough ? "on" : "off";
  if (m.query == "auto") m.query = m.copy == "on" ? "current" : "previous";
  if (config.replace_unknown == "on" && m.attention == "none")
    throw ConfigError(
        "[transduce] replace_unknown = on puts the source word that attention points at; got attention = none. Use "
        "attention = additive, or replace_unknown = off.");
  if (config.replace_unknown == "auto") config.replace_unknown = size.words && m.attention != "none" ? "on" : "off";
  // An answer that sums up does not grow with its input, and one that never ends is costly.
  if (config.search.max_output == 0 && config.search.max_length_factor < 0 && size.longest_target > 0)
    config.search.max_output = 2 * size.longest_target + config.search.max_length_extra;
  if (config.search.max_length_factor < 0)
    config.search.max_length_factor = std::max(2.0, std::ceil(10 * size.length_factor) / 10);
  if (m.attention_size == 0) m.attention_size = m.decoder_size();
  if (m.stack.dropout < 0) m.stack.dropout = symbols < 500000 ? 0.3 : 0.15;  // the more data, the fewer passes over it
  // What is copied shows attention where to look, and stands anywhere: the diagonal would lead astray.
  if (m.guided_attention < 0) m.guided_attention = m.copy == "on" && m.guided_by == "diagonal" ? 0.0 : 1.0;
  if (config.batch_size == 0) config.batch_size = symbols < 15000 ? 16 : symbols < 200000 ? 32 : 64;
  if (config.batch_symbols == 0) config.batch_symbols = kBatchSymbols;
  if (trainer.learning_rate == 0) trainer.learning_rate = 2e-3;
  if (trainer.epochs == 0 && trainer.max_seconds == 0 && trainer.max_steps == 0)
    trainer.epochs = std::clamp<int64_t>(1200000 / std::max<int64_t>(size.examples, 1), 8, 100);
}

namespace {

constexpr double kAllFit = 0.999;      ///< share of the targets that shall have room
constexpr double kSoundStep = 30;      ///< milliseconds of sound in a step
constexpr double kStepsForSymbol = 8;  ///< of other frames
constexpr double kMostStacked = 4;     ///< of other frames, unless sequences have more steps than ...
constexpr double kMostFrames = 250;

/// The largest number of frames put together, up to `most`, that leaves room for the targets.
int64_t largest_stack(int64_t most, const std::function<double(int64_t)>& fits) {
  while (most > 1 && fits(most) < kAllFit * fits(1)) --most;
  return most;
}

struct FrameRow {
  double symbols;
  Sizes sizes;
};
constexpr FrameRow kFrameSizes[] = {{100000, {3, 256, 128}}, {20000, {2, 192, 128}}, {0, {2, 128, 128}}};

/// Arithmetic of one training pass.
double frame_operations(const nn::Seq2SeqConfig& m, const TextFramesSize& size) {
  DataSize pairs;
  pairs.examples = size.frames.examples;
  pairs.mean_source_length = size.frames.mean_length;
  pairs.mean_target_length = size.mean_target_length;
  pairs.target_vocab = size.target_vocab;
  return training_operations(m, pairs);
}

}  // namespace

void decide_reading(TransduceConfig& config, const FrameSize& size, double symbols,
                    const std::function<double(int64_t)>& fits) {
  FrameOptions& f = config.frames;
  if (f.scaling == "auto") f.scaling = chosen_scaling(size);
  if (f.stack_frames > 0) return;
  // Long ways between symbols are slow to learn; sounds pass within kSoundStep.
  const double wanted = size.recordings
                            ? kSoundStep / f.format.audio.frame_step
                            : std::min(kMostStacked, size.mean_length / std::max(symbols, 1.0) / kStepsForSymbol);
  const double long_ones = size.recordings ? 0 : size.mean_length / kMostFrames;
  f.stack_frames = largest_stack(std::max<int64_t>(1, std::llround(std::max(wanted, long_ones))), fits);
}

void decide_frames(TransduceConfig& config, const TextFramesSize& size) {
  nn::Seq2SeqConfig& m = config.model;
  train::TrainerConfig& trainer = config.trainer;
  const int64_t n = size.frames.examples;
  const double symbols = static_cast<double>(n) * size.mean_target_length;
  const double capacity = trainer.max_seconds * kOperationsPerSecond *
                          static_cast<double>(trainer.threads > 0 ? trainer.threads : num_threads());
  for (const FrameRow& row : kFrameSizes) {
    if (symbols < row.symbols) continue;
    nn::Seq2SeqConfig candidate = m;
    fill(candidate, row.sizes, size.target_vocab);
    const bool last = row.symbols == 0;
    if (capacity > 0 && !last && frame_operations(candidate, size) * kEpochsWanted > capacity) continue;
    m = candidate;
    break;
  }
  for (const auto& [name, value] :
       {std::pair{"copy", &m.copy}, std::pair{"replace_unknown", &config.replace_unknown}}) {
    if (*value == "on")
      throw ConfigError(fmt::format(
          "[transduce] {} takes symbols from the source, and frames hold none; got on. Leave it out.", name));
    *value = "off";
  }
  if (m.query == "auto") m.query = "previous";
  if (m.attention_size == 0) m.attention_size = m.decoder_size();
  if (m.guided_by == "alignment")
    throw ConfigError(
        "[transduce] an alignment is learnt from symbols on both sides; got guided_by = alignment for frames. Set "
        "guided_by = diagonal.");
  if (m.guided_attention < 0) m.guided_attention = 1;
  if (config.search.max_length_factor < 0)
    config.search.max_length_factor = std::max(0.1, std::ceil(10 * size.length_factor) / 10);
  if (m.stack.dropout < 0) m.stack.dropout = 0.3;
  if (m.noise.frame_noise < 0) m.noise.frame_noise = 0.1;
  if (m.noise.time_masks < 0) m.noise.time_masks = 1;
  if (m.noise.feature_masks < 0) m.noise.feature_masks = 1;
  if (config.frames.time_stretch < 0) config.frames.time_stretch = 0.1;
  if (config.batch_size == 0) config.batch_size = n < 2000 ? 8 : n < 20000 ? 16 : 32;
  if (config.batch_symbols == 0) config.batch_symbols = kBatchSymbols;
  if (trainer.learning_rate == 0) trainer.learning_rate = 2e-3;
  if (trainer.epochs == 0 && trainer.max_seconds == 0 && trainer.max_steps == 0)
    trainer.epochs = std::clamp<int64_t>(60000 / std::max<int64_t>(n, 1), 8, 100);
}

decode::SearchConfig with_options(decode::SearchConfig own, const PredictOptions& options) {
  if (options.language_model)
    throw ConfigError(
        "[predict] a language model helps to read the output of decoder = ctc; got --lm for a model that has learnt "
        "one itself, its decoder. Leave it out.");
  if (options.beam_size > 0) own.beam_size = options.beam_size;
  if (options.length_penalty >= 0) own.length_penalty = options.length_penalty;
  if (options.coverage_penalty >= 0) own.coverage_penalty = options.coverage_penalty;
  if (options.max_output > 0) own.max_output = options.max_output;
  if (options.min_length >= 0) own.min_length = options.min_length;
  if (options.no_repeat_ngram >= 0) own.no_repeat_ngram = options.no_repeat_ngram;
  own.nbest = options.nbest;
  return own;
}

std::string decoder_text(const TransduceConfig& c) {
  return fmt::format("{} of {} units, {} attention with the {} state, context = {}", c.model.stack.cell.cell,
                     c.model.decoder_size(), c.model.attention, c.model.query, c.model.context);
}

void refuse_map_without_attention() {
  throw UnsupportedError(
      "[inspect] the model was trained with attention = none and has no map to show; got such a model. Train with "
      "attention = additive.");
}

}  // namespace carousel::tasks
