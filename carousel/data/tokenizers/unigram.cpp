// Subwords of a unigram language model, see data/unigram.h.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "carousel/data/tokenizers/kind.h"
#include "carousel/data/tokenizers/subwords.h"
#include "carousel/data/unigram.h"

namespace carousel::data {

namespace {

class UnigramTokenizer final : public SubwordTokenizer {
 public:
  UnigramTokenizer(TextForm form, UnigramModel model, Vocabulary vocabulary)
      : SubwordTokenizer(form), model_(std::move(model)) {
    set_vocabulary(std::move(vocabulary));
  }
  std::string kind() const override { return "unigram"; }

 protected:
  void split_piece(std::string_view piece, std::vector<std::string>& symbols) const override {
    model_.split(piece, [&](std::string_view symbol) { symbols.emplace_back(symbol); });
  }
  void sample_piece(std::string_view piece, const SubwordSampling& sampling,
                    std::vector<std::string>& symbols) const override {
    model_.sample(piece, sampling.alpha, *sampling.rng, [&](std::string_view symbol) { symbols.emplace_back(symbol); });
  }
  std::string extra_json() const override {
    std::vector<double> scores;
    for (const UnigramModel::Symbol& symbol : model_.symbols()) scores.push_back(symbol.log_probability);
    return ",\"scores\":" + nlohmann::json(scores).dump();
  }

 private:
  UnigramModel model_;
};

/// The model's symbols are those of the vocabulary, in its order: what is too rare for it is cut into what is not.
std::unique_ptr<Tokenizer> make(const SymbolCounts& units, const TokenizerRecipe& recipe) {
  const UnigramModel learnt = UnigramModel::learn(units, recipe.subwords);
  Vocabulary vocabulary(learnt.count_symbols(units), recipe.min_count, recipe.most);
  std::unordered_map<std::string_view, double> scores;
  for (const UnigramModel::Symbol& symbol : learnt.symbols()) scores[symbol.text] = symbol.log_probability;
  std::vector<UnigramModel::Symbol> symbols;
  for (auto id = Vocabulary::kMarkers; id < vocabulary.size(); ++id)
    symbols.push_back({vocabulary.symbol(id), scores.at(vocabulary.symbol(id))});
  return std::make_unique<UnigramTokenizer>(recipe.form, UnigramModel(std::move(symbols)), std::move(vocabulary));
}

std::unique_ptr<Tokenizer> load(const JsonObject& object, TextForm form, Vocabulary vocabulary) {
  const std::vector<double> scores = object.numbers("scores");
  if (static_cast<int64_t>(scores.size()) != vocabulary.size() - Vocabulary::kMarkers)
    object.fail("each symbol must have one of \"scores\"",
                fmt::format("{} for {} symbols", scores.size(), vocabulary.size() - Vocabulary::kMarkers));
  std::vector<UnigramModel::Symbol> symbols;
  for (const double score : scores) {
    const std::string& text = vocabulary.symbol(static_cast<int32_t>(symbols.size()) + Vocabulary::kMarkers);
    if (!std::isfinite(score) || score > 0)
      object.fail("a score must be the logarithm of a probability", fmt::format("{} for {}", score, clip_quoted(text)));
    if (count_code_points(text) > UnigramModel::kMaxLength)
      object.fail(fmt::format("a symbol of unigram must have {} characters at most", UnigramModel::kMaxLength),
                  clip_quoted(text));
    symbols.push_back({text, score});
  }
  return std::make_unique<UnigramTokenizer>(form, UnigramModel(std::move(symbols)), std::move(vocabulary));
}

}  // namespace

TokenizerKind unigram_kind() {
  return {"unigram", true, SubwordTokenizer::count, make, load};
}

}  // namespace carousel::data
