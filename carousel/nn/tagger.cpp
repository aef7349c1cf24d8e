#include "carousel/nn/tagger.h"

#include <fmt/format.h>

#include <algorithm>

#include "carousel/autograd/ops/crf.h"
#include "carousel/autograd/ops/dispatch.h"
#include "carousel/autograd/ops/elementwise.h"
#include "carousel/autograd/ops/linear.h"
#include "carousel/autograd/ops/losses.h"
#include "carousel/autograd/ops/rows.h"
#include "carousel/base/error.h"
#include "carousel/base/rng.h"
#include "carousel/nn/init.h"

namespace carousel::nn {

namespace {

/// As for the embeddings of classifiers: what is seen seldom shall say little.
constexpr double kEmbeddingDeviation = 0.1;

StackConfig word_stack(const TaggerConfig& config) {
  if (config.embedding_size < 1)
    throw ConfigError(
        fmt::format("[tagger] embedding_size must be at least 1; got {}. Set it.", config.embedding_size));
  StackConfig stack = config.stack;
  stack.dropout = std::max(0.0, stack.dropout);
  return stack;
}

/// One layer of the same cell in both directions.
StackConfig character_stack(const TaggerConfig& config) {
  StackConfig stack;
  stack.cell = config.stack.cell;
  stack.cell.projection_size = 0;  // it was chosen for the units of the other stack
  stack.hidden_size = {config.character_hidden_size};
  stack.bidirectional = true;
  return stack;
}

}  // namespace

void TaggerConfig::options(OptionTable& table) {
  stack.options(table);
  for (Option& row : table.rows()) {
    if (row.name == "bidirectional") row.help = "Each layer reads the sentence in both directions.";
    if (row.name == "dropout") {
      row.help = "Probability on embeddings, between layers and before the output.";
      row.automatic();
    }
  }
  table.add("embedding_size", &embedding_size, "Width of a word's embedding.").range(1, 65536).automatic();
  table.add("character_embedding_size", &character_embedding_size, "Width of a character's embedding.").range(1, 65536);
  table
      .add("character_hidden_size", &character_hidden_size,
           "Units of each direction of the layer that reads the characters of a word; 0: words are not spelled.")
      .range(0, 65536)
      .automatic();
  table
      .add("crf", &crf,
           "Whether tags are scored as a sequence, by a conditional random field; auto: where they mark spans.")
      .one_of({"auto", "yes", "no"});
}

Tagger::Tagger(const TaggerConfig& config, const Sizes& sizes, uint64_t seed) : config_(config), sizes_(sizes) {
  const StackConfig words = word_stack(config);
  int64_t width = config.embedding_size;
  word_embedding_ =
      parameter("word_embedding.weight", normal_init({sizes.num_words, width}, kEmbeddingDeviation, Rng(seed, 1)));
  if (config.character_hidden_size > 0) {
    character_embedding_ = parameter(
        "character_embedding.weight",
        normal_init({sizes.num_characters, config.character_embedding_size}, kEmbeddingDeviation, Rng(seed, 2)));
    characters_ = std::make_unique<RecurrentStack>(character_stack(config), config.character_embedding_size,
                                                   mix(seed, 3), "characters.");
    child("characters", *characters_);
    width += characters_->output_size();
  }
  stack_ = std::make_unique<RecurrentStack>(words, width, seed);
  config_.stack.cell = stack_->cell().options();
  child("rnn", *stack_);
  const int64_t n = sizes.num_tags;
  weight_ = parameter("output.weight", glorot_init(n, stack_->output_size(), Rng(seed, 4)));
  bias_ = parameter("output.bias", zeros_init({n}));
  if (config.crf == "yes") {
    transitions_ = parameter("crf.transitions", zeros_init({n, n}));
    start_ = parameter("crf.start", zeros_init({n}));
    stop_ = parameter("crf.stop", zeros_init({n}));
  }
  if (sizes.num_intents > 0) {
    pooling_ = std::make_unique<Pooling>("max", stack_->output_size(), seed);
    intent_weight_ = parameter("intent.weight", glorot_init(sizes.num_intents, stack_->output_size(), Rng(seed, 5)));
    intent_bias_ = parameter("intent.bias", zeros_init({sizes.num_intents}));
  }
}

Var Tagger::drop(Context& ctx, const Var& x) const {
  const uint64_t stream = ctx.next_stream();
  return ctx.training ? ops::dropout(ctx.tape, x, std::max(0.0, config_.stack.dropout), ctx.seed, stream) : x;
}

/// [rows, embedding_size + width of the spellings], packed by sentences.
Var Tagger::embed(Context& ctx, const Packing& packing, const TaggerInput& input) {
  Var words = ops::embedding(ctx.tape, packing.pack(input.words), word_embedding_);
  if (!characters_) return words;
  const Packing letters = Packing::of(input.spellings);
  const Var embedded = drop(ctx, ops::embedding(ctx.tape, letters.pack(input.spellings), character_embedding_));
  const Var y = characters_->forward(ctx, letters, embedded).y;
  const Var spelled = characters_->last(ctx.tape, letters, y);
  std::vector<int64_t> rows;
  rows.reserve(static_cast<size_t>(packing.rows()));
  for (const int32_t word : packing.pack(input.spelled_by))
    rows.push_back(letters.position.at(static_cast<size_t>(word)));
  return ops::concat_columns(ctx.tape, {words, ops::gather_rows(ctx.tape, spelled, std::move(rows))});
}

Tagger::Output Tagger::forward(Context& ctx, const TaggerInput& input) {
  Output out;
  out.packing = Packing::of(input.words);
  const Var embedded = drop(ctx, embed(ctx, out.packing, input));
  const Var y = drop(ctx, stack_->forward(ctx, out.packing, embedded).y);
  out.emissions = ops::linear(ctx.tape, y, weight_, bias_);
  if (pooling_)
    out.intents = ops::linear(ctx.tape, pooling_->forward(ctx, out.packing, y, Var()), intent_weight_, intent_bias_);
  return out;
}

TaggerLoss Tagger::loss(Context& ctx, const TaggerInput& input, const TaggerTargets& targets) {
  ops::require_equal("tagger", "the number of tagged sentences", static_cast<int64_t>(targets.tags.size()),
                     static_cast<int64_t>(input.words.size()));
  for (size_t i = 0; i < targets.tags.size(); ++i)
    ops::require_equal("tagger", "the number of tags of a sentence", static_cast<int64_t>(targets.tags[i].size()),
                       static_cast<int64_t>(input.words[i].size()));
  const Output out = forward(ctx, input);
  const std::vector<int32_t> tags = out.packing.pack(targets.tags);
  const ops::CrossEntropy entropy =
      has_crf() ? ops::crf_loss(ctx.tape, out.packing, out.emissions, {transitions_, start_, stop_}, tags)
                : ops::cross_entropy(ctx.tape, out.emissions, tags, 0);
  TaggerLoss result{entropy.loss, entropy.nll_sum, out.packing.rows()};
  if (pooling_)
    result.loss = ops::add(ctx.tape, result.loss, ops::cross_entropy(ctx.tape, out.intents, targets.intents, 0).loss);
  return result;
}

}  // namespace carousel::nn
