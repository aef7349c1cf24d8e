#include "carousel/tasks/tag_config.h"

#include <algorithm>

#include "carousel/base/threads.h"

namespace carousel::tasks {

void TagOptions::options(OptionTable& table) {
  table.section("data");
  format.options(table);
  table
      .add(
          "dev_share", &dev_share,
          "Share of the sentences that is cut off for evaluation when there is no dev file; auto takes 5 % to 10 %, at "
          "most 4,000.")
      .range(1e-6, 0.9)
      .automatic();
  table.add("min_count", &min_count, "Words seen less often in training are unknown, and known by their characters.")
      .range(1, 1e9);
  table.add("max_line_bytes", &max_line_bytes, "Longest line that is read, in bytes.").range(16, 1e9);
  table.section("model");
  model.options(table);
  table
      .add("word_dropout", &word_dropout,
           "W: training reads a word that it has n times as an unknown one with probability W / (W + n), so that those "
           "that come with new sentences are nothing new.")
      .range(0, 1e6)
      .automatic();
  trainer.options(table);
  table.add("batch_size", &batch_size, "Sentences in one step.").range(1, 65536).automatic();
}

data::ReadOptions TagOptions::read_options() const {
  data::ReadOptions options;
  options.max_line_bytes = max_line_bytes;
  return options;
}

double training_operations(const nn::TaggerConfig& model, const TagSize& size) {
  const double ways = model.stack.bidirectional ? 2 : 1;
  auto input = static_cast<double>(model.embedding_size + 2 * model.character_hidden_size);
  double products = 0;
  for (const int64_t units : model.stack.widths()) {
    const auto n = static_cast<double>(units);
    products += ways * 4 * n * (input + n);
    input = ways * n;
  }
  // Two operations for each multiply-add; forward, and backward for values and for weights.
  return 6 * static_cast<double>(size.tokens) * products;
}

namespace {

/// Largest first. A row is for data of at least so many tokens.
struct TaggerSize {
  int64_t tokens;
  int64_t num_layers, hidden_size, embedding_size, character_hidden_size;
};
constexpr TaggerSize kTaggerSizes[] = {{100000, 2, 200, 100, 50}, {20000, 1, 128, 100, 50}, {0, 1, 64, 64, 25}};

constexpr double kTaggerRate = 30e9;  ///< of one core, as a guess that does not depend on the machine's load
constexpr double kTaggerEpochs = 8;   ///< a larger model must see the data so often to be worth its time

nn::TaggerConfig filled(nn::TaggerConfig model, const TaggerSize& row) {
  if (model.stack.hidden_size.empty()) model.stack.hidden_size = {row.hidden_size};
  if (model.stack.num_layers == 0)
    model.stack.num_layers =
        model.stack.hidden_size.size() > 1 ? static_cast<int64_t>(model.stack.hidden_size.size()) : row.num_layers;
  if (model.embedding_size == 0) model.embedding_size = row.embedding_size;
  if (model.character_hidden_size < 0) model.character_hidden_size = row.character_hidden_size;
  return model;
}

/// The largest model that the data can feed and the time can train.
void decide_sizes(nn::TaggerConfig& model, const TagSize& size, double seconds, int64_t threads) {
  const double capacity = seconds * kTaggerRate * static_cast<double>(threads);
  for (const TaggerSize& row : kTaggerSizes) {
    if (size.tokens < row.tokens) continue;
    const nn::TaggerConfig candidate = filled(model, row);
    const bool last = row.tokens == 0;
    if (seconds > 0 && !last && training_operations(candidate, size) * kTaggerEpochs > capacity) continue;
    model = candidate;
    return;
  }
}

}  // namespace

void decide(TagOptions& o, const TagSize& size) {
  nn::TaggerConfig& m = o.model;
  train::TrainerConfig& trainer = o.trainer;
  decide_sizes(m, size, trainer.max_seconds, trainer.threads > 0 ? trainer.threads : num_threads());
  if (m.crf == "auto") m.crf = size.scheme == data::TagScheme::none ? "no" : "yes";
  if (m.stack.dropout < 0) m.stack.dropout = 0.4;
  if (o.word_dropout < 0) o.word_dropout = 0.5;
  if (o.batch_size == 0) o.batch_size = size.tokens < 20000 ? 16 : 32;
  if (trainer.learning_rate == 0) trainer.learning_rate = 2e-3;
  // Also beside a bound in seconds: more passes only learn the sentences by heart.
  if (trainer.epochs == 0 && trainer.max_steps == 0)
    trainer.epochs = std::clamp<int64_t>(4000000 / std::max<int64_t>(size.tokens, 1), 10, 40);
}

}  // namespace carousel::tasks
