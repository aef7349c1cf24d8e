#include "carousel/tasks/language_model_config.h"

#include <algorithm>

#include "carousel/base/error.h"

namespace carousel::tasks {

void LanguageModelOptions::options(OptionTable& table) {
  table.section("data");
  table
      .add("tokens", &tokens,
           "Symbols of the text: characters, words (between white space), bpe (byte-pair subwords), byte_bpe (the same "
           "from bytes on: nothing is unknown) or unigram (subwords of a language model); auto takes words "
           "when each of them occurs 40 times on average (bpe when they are more than 50,000), else characters.")
      .one_of({"auto", "characters", "words", "bpe", "byte_bpe", "unigram"});
  table
      .add("bpe_merges", &bpe_merges,
           "Subwords to learn, byte-pair merges or symbols of unigram; auto takes one per 50 words, 200 to 16,000.")
      .range(1, 1e6)
      .automatic();
  table.add("min_count", &min_count, "Symbols seen less often in training are treated as unknown.").range(1, 1e9);
  table
      .add("vocab_size", &vocab_size,
           "Most symbols of the vocabulary: the most frequent ones; auto takes 50,000 words, and all characters and "
           "subwords.")
      .range(1, 1e7)
      .automatic();
  table
      .add("dev_share", &dev_share,
           "Share of the lines, from the end of the text, that is cut off for evaluation when there is no dev file; "
           "auto takes 10 %, and 5 % of more than 100,000 lines.")
      .range(1e-6, 0.9)
      .automatic();
  table.add("max_line_bytes", &max_line_bytes, "Longest line that is read, in bytes.").range(16, 1e9);
  table.section("model");
  table
      .add(
          "recipe", &recipe,
          "What options that are left automatic become: plain, for minutes; regularised, for a larger model and hours: "
          "weight-drop, dropout of whole symbols and (variational_dropout, which it turns on) with one mask for a "
          "sequence, and the mean of the last weights.")
      .one_of({"plain", "regularised"});
  model.options(table);
  trainer.options(table);
  table.add("batch_size", &batch_size, "Streams of text read side by side.").range(1, 65536).automatic();
  table.add("bptt", &bptt, "Steps that gradients flow back (truncated back-propagation through time).")
      .range(1, 65536)
      .automatic();
  table.add("carry_state", &carry_state, "The state goes on from one batch to the next; off: each begins at zero.");
}

data::ReadOptions LanguageModelOptions::read_options() const {
  data::ReadOptions options;
  options.max_line_bytes = max_line_bytes;
  return options;
}

namespace {

struct NetworkSize {
  int64_t symbols;  ///< for texts of at least so many
  int64_t num_layers, hidden_size;
  double dropout;
};
/// Largest first. The word rows follow the small and the medium model of Zaremba et al. 2014.
constexpr NetworkSize kCharacterRows[] = {{5000000, 2, 512, 0.1}, {300000, 2, 256, 0.2}, {0, 1, 128, 0.3}};
constexpr NetworkSize kWordRows[] = {{5000000, 2, 650, 0.3}, {300000, 2, 200, 0.2}, {0, 1, 128, 0.3}};
/// A model that would learn the text by heart without its dropout. Rates follow Merity et al. 2018 (AWD-LSTM); the
/// layers are Zaremba's medium and large ones, theirs (3 of 1150) take days without a GPU.
constexpr NetworkSize kRegularisedRows[] = {{5000000, 2, 1500, 0.25}, {300000, 2, 650, 0.25}, {0, 2, 200, 0.25}};
constexpr double kRegularisedInput = 0.4, kRegularisedOutput = 0.4, kRegularisedSymbols = 0.1, kWeightDrop = 0.5;
constexpr double kAverageFrom = 0.8;

}  // namespace

void decide(LanguageModelOptions& o, const TextSize& size) {
  const bool regularised = o.recipe == "regularised";
  if (regularised && o.model.model == "window")
    throw ConfigError(
        "[language model] the regularised recipe is one of recurrent layers; got recipe = regularised for a window "
        "model. Leave it out, or set model = recurrent.");
  const NetworkSize* row = regularised ? kRegularisedRows : size.characters ? kCharacterRows : kWordRows;
  while (size.symbols < row->symbols) ++row;
  nn::LanguageModelConfig& m = o.model;
  if (m.stack.hidden_size.empty()) m.stack.hidden_size = {row->hidden_size};
  if (m.stack.num_layers == 0)
    m.stack.num_layers = m.stack.hidden_size.size() > 1 ? static_cast<int64_t>(m.stack.hidden_size.size())
                         : m.model == "window"          ? 1
                                                        : row->num_layers;
  const bool projected = m.stack.cell.cell == "projected_lstm";
  if (m.embedding_size == 0)
    m.embedding_size =
        projected && m.stack.cell.projection_size > 0 ? m.stack.cell.projection_size : m.stack.hidden_size.back();
  if (m.window == 0 && m.model == "window") m.window = 5;
  const auto choose = [regularised](double& rate, double own, double otherwise) {
    if (rate < 0) rate = regularised ? own : otherwise;
  };
  choose(m.input_dropout, kRegularisedInput, row->dropout);
  choose(m.output_dropout, kRegularisedOutput, row->dropout);
  choose(m.embedding_dropout, kRegularisedSymbols, 0);
  choose(m.stack.dropout, row->dropout, row->dropout);
  if (regularised) m.stack.variational_dropout = true;
  // Cells without recurrent weights cannot drop any.
  choose(m.stack.recurrent_dropout, nn::make_cell(m.stack.cell)->has_recurrent_weight() ? kWeightDrop : 0, 0);
  choose(o.trainer.average_from, o.trainer.ema > 0 ? 1 : kAverageFrom, 1);
  if (o.batch_size == 0) o.batch_size = std::clamp<int64_t>(size.symbols / 2000, 1, size.characters ? 32 : 20);
  if (o.bptt == 0) o.bptt = size.characters ? 100 : 35;
  train::TrainerConfig& trainer = o.trainer;
  if (trainer.learning_rate == 0) trainer.learning_rate = 2e-3;
  if (trainer.epochs == 0 && trainer.max_seconds == 0 && trainer.max_steps == 0)
    trainer.epochs = std::clamp<int64_t>(10000000 / std::max<int64_t>(size.symbols, 1), 3, 40);
}

}  // namespace carousel::tasks
