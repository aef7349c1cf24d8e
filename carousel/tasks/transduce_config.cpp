#include "carousel/tasks/transduce_config.h"

#include <algorithm>

#include "carousel/base/threads.h"

namespace carousel::tasks {

void TransduceConfig::options(OptionTable& table) {
  table.section("data");
  data.options(table);
  table.section("model");
  model.options(table);
  trainer.options(table);
  table.add("batch_size", &batch_size, "Pairs in one step.").range(1, 65536).automatic();
  table.section("decode");
  search.options(table);
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
  const double target = 4 * h * (e + input + h) + h * h + (h + input + e) * static_cast<double>(size.target_vocab);
  // Two operations for each multiply-add; forward, and backward for values and for weights.
  return 6 * static_cast<double>(size.examples) *
         (source * size.mean_source_length + target * (size.mean_target_length + 1));
}

namespace {

struct Sizes {
  int64_t num_layers, hidden_size, embedding_size;
};

/// Largest first. A row is for data of at least so many pairs.
struct SizeRow {
  int64_t examples;
  Sizes sizes;
};
constexpr SizeRow kSizes[] = {{30000, {2, 256, 128}}, {30000, {1, 256, 128}}, {2000, {1, 192, 96}}, {0, {1, 128, 64}}};

constexpr double kOperationsPerSecond = 50e9;  ///< of one core, as a guess that does not depend on the machine's load
constexpr double kEpochsWanted = 8;            ///< a larger model must see the data so often to be worth its time

void fill(nn::Seq2SeqConfig& model, const Sizes& sizes) {
  if (model.stack.hidden_size.empty()) model.stack.hidden_size = {sizes.hidden_size};
  if (model.stack.num_layers == 0)
    model.stack.num_layers =
        model.stack.hidden_size.size() > 1 ? static_cast<int64_t>(model.stack.hidden_size.size()) : sizes.num_layers;
  if (model.embedding_size == 0) model.embedding_size = sizes.embedding_size;
}

/// The largest model that the data can feed and the time can train.
void decide_sizes(nn::Seq2SeqConfig& model, const DataSize& size, double seconds, int64_t threads) {
  for (const SizeRow& row : kSizes) {
    if (size.examples < row.examples) continue;
    nn::Seq2SeqConfig candidate = model;
    fill(candidate, row.sizes);
    const double capacity = seconds * kOperationsPerSecond * static_cast<double>(threads);
    const bool last = row.examples == 0;
    if (seconds > 0 && !last && training_operations(candidate, size) * kEpochsWanted > capacity) continue;
    model = candidate;
    return;
  }
}

}  // namespace

void decide(TransduceConfig& config, const DataSize& size) {
  train::TrainerConfig& trainer = config.trainer;
  nn::Seq2SeqConfig& m = config.model;
  const int64_t n = size.examples;
  decide_sizes(m, size, trainer.max_seconds, trainer.threads > 0 ? trainer.threads : num_threads());
  if (m.attention_size == 0) m.attention_size = m.decoder_size();
  if (m.stack.dropout < 0) m.stack.dropout = n < 30000 ? 0.3 : 0.15;  // the more pairs, the fewer passes over them
  if (m.guided_attention < 0) m.guided_attention = 1.0;
  if (config.batch_size == 0) config.batch_size = n < 2000 ? 16 : n < 30000 ? 32 : 64;
  if (trainer.learning_rate == 0) trainer.learning_rate = 2e-3;
  if (trainer.epochs == 0 && trainer.max_seconds == 0 && trainer.max_steps == 0)
    trainer.epochs = std::clamp<int64_t>(1200000 / std::max<int64_t>(n, 1), 8, 100);
}

}  // namespace carousel::tasks
