#include "carousel/tasks/classify_config.h"

#include <algorithm>
#include <cmath>

#include "carousel/base/threads.h"

namespace carousel::tasks {

void ClassifyOptions::options(OptionTable& table) {
  table.section("data");
  format.options(table);
  frames.options(table);
  symbols.options(table);
  table
      .add("dev_share", &dev_share,
           "Share of the texts that is cut off for evaluation when there is no dev file; auto takes 5 % to 10 %, at "
           "most "
           "4,000.")
      .range(1e-6, 0.9)
      .automatic();
  table
      .add(
          "max_length", &max_length,
          "Longest text, in symbols: of longer ones the first quarter of as many and the end are read; auto takes 400, "
          "and 1,000 characters.")
      .range(4, 1e6)
      .automatic();
  table.add("max_line_bytes", &max_line_bytes, "Longest line or quoted cell that is read, in bytes.").range(16, 1e9);
  table.section("model");
  model.options(table);
  table
      .add("ngrams", &ngrams,
           "Beside the network, naive Bayes over runs of up to so many symbols has its say; 0: the network alone.")
      .range(0, data::NaiveBayes::kMostOrder)
      .automatic();
  table
      .add("members", &members,
           "Networks whose mean answers; auto: 1, and over fewer than 500 sequences of frames 5, each with another "
           "fifth "
           "held out, so that all are learnt from and all are dev.")
      .range(1, 100)
      .automatic();
  trainer.options(table);
  frames.training_options(table);
  table.add("batch_size", &batch_size, "Texts in one step.").range(1, 65536).automatic();
  table
      .add("class_weights", &class_weights,
           "Weight of each label in the loss: none (all equal) or balanced (inverse to how often it occurs).")
      .one_of({"none", "balanced"});
}

data::ReadOptions ClassifyOptions::read_options() const {
  data::ReadOptions options;
  options.max_line_bytes = max_line_bytes;
  return options;
}

double training_operations(const nn::ClassifierConfig& model, const ClassifySize& size) {
  const double ways = model.stack.bidirectional ? 2 : 1;
  auto input = static_cast<double>(model.embedding_size);
  double products = 0;
  for (const int64_t units : model.stack.widths()) {
    const auto n = static_cast<double>(units);
    products += ways * 4 * n * (input + n);
    input = ways * n;
  }
  // Two operations for each multiply-add; forward, and backward for values and for weights.
  return 6 * static_cast<double>(size.examples) * size.mean_length * products;
}

namespace {

/// Largest first. A row is for data of at least so many texts.
struct ClassifierSize {
  int64_t examples;
  int64_t num_layers, hidden_size, embedding_size;
};
constexpr ClassifierSize kClassifierSizes[] = {{2000, 1, 128, 128}, {0, 1, 64, 64}};

constexpr double kClassifierRate = 30e9;  ///< of one core, as a guess that does not depend on the machine's load
constexpr double kClassifierEpochs = 3;   ///< a larger model must see the data so often to be worth its time

nn::ClassifierConfig filled(nn::ClassifierConfig model, const ClassifierSize& row) {
  if (model.stack.hidden_size.empty()) model.stack.hidden_size = {row.hidden_size};
  if (model.stack.num_layers == 0)
    model.stack.num_layers =
        model.stack.hidden_size.size() > 1 ? static_cast<int64_t>(model.stack.hidden_size.size()) : row.num_layers;
  if (model.embedding_size == 0) model.embedding_size = row.embedding_size;
  return model;
}

/// The largest model that the data can feed and the time can train.
void decide_sizes(nn::ClassifierConfig& model, const ClassifySize& size, double seconds, int64_t threads) {
  const double capacity = seconds * kClassifierRate * static_cast<double>(threads);
  for (const ClassifierSize& row : kClassifierSizes) {
    if (size.examples < row.examples) continue;
    const nn::ClassifierConfig candidate = filled(model, row);
    const bool last = row.examples == 0;
    if (seconds > 0 && !last && training_operations(candidate, size) * kClassifierEpochs > capacity) continue;
    model = candidate;
    return;
  }
}

constexpr int64_t kMostSteps = 250;     ///< of a sequence that was not told otherwise
constexpr int64_t kFewSequences = 500;  ///< so few are best learnt from by several networks

}  // namespace

void decide_reading(ClassifyOptions& o, const FrameSize& size) {
  FrameOptions& f = o.frames;
  if (f.scaling == "auto") f.scaling = chosen_scaling(size);
  if (f.stack_frames == 0)
    f.stack_frames = std::max<int64_t>(1, static_cast<int64_t>(std::ceil(size.mean_length / kMostSteps)));
  if (o.members == 0) o.members = !size.held_out && size.examples < kFewSequences ? 5 : 1;
}

void decide_frames(ClassifyOptions& o, const FrameSize& size) {
  const int64_t n = size.examples;
  nn::ClassifierConfig& m = o.model;
  train::TrainerConfig& trainer = o.trainer;
  decide_sizes(m, {n, size.mean_length, false}, trainer.max_seconds,
               trainer.threads > 0 ? trainer.threads : num_threads());
  if (m.stack.dropout < 0) m.stack.dropout = 0.3;
  if (m.symbol_dropout < 0) m.symbol_dropout = 0;
  if (m.noise.frame_noise < 0) m.noise.frame_noise = 0.1;
  if (m.noise.time_masks < 0) m.noise.time_masks = 1;
  if (m.noise.feature_masks < 0) m.noise.feature_masks = 1;
  if (o.frames.time_stretch < 0) o.frames.time_stretch = 0.1;
  if (o.batch_size == 0) o.batch_size = n < 500 ? 8 : n < 20000 ? 16 : 64;
  if (trainer.learning_rate == 0) trainer.learning_rate = 2e-3;
  if (trainer.epochs == 0 && trainer.max_steps == 0)
    trainer.epochs = std::clamp<int64_t>(100000 / std::max<int64_t>(n, 1), 8, 60);
}

void decide(ClassifyOptions& o, const ClassifySize& size) {
  const int64_t n = size.examples;
  nn::ClassifierConfig& m = o.model;
  train::TrainerConfig& trainer = o.trainer;
  decide_sizes(m, size, trainer.max_seconds, trainer.threads > 0 ? trainer.threads : num_threads());
  if (m.stack.dropout < 0) m.stack.dropout = 0.5;
  if (m.symbol_dropout < 0) m.symbol_dropout = 0.1;
  if (o.ngrams < 0) o.ngrams = size.characters ? 4 : 2;
  if (o.batch_size == 0) o.batch_size = n < 2000 ? 16 : 32;
  if (trainer.learning_rate == 0) trainer.learning_rate = 2e-3;
  // Also beside a bound in seconds: more passes only learn the texts by heart.
  if (trainer.epochs == 0 && trainer.max_steps == 0)
    trainer.epochs = std::clamp<int64_t>(200000 / std::max<int64_t>(n, 1), 6, 40);
  if (o.members == 0) o.members = 1;
}

}  // namespace carousel::tasks
