// Byte-pair subwords, see data/bpe.h.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "carousel/data/bpe.h"
#include "carousel/data/tokenizers/kind.h"
#include "carousel/data/tokenizers/subwords.h"

namespace carousel::data {

namespace {

class BpeTokenizer final : public SubwordTokenizer {
 public:
  BpeTokenizer(TextForm form, BytePairs pairs, Vocabulary vocabulary)
      : SubwordTokenizer(form), pairs_(std::move(pairs)) {
    set_vocabulary(std::move(vocabulary));
  }
  std::string kind() const override { return "bpe"; }

 protected:
  void split_piece(std::string_view piece, std::vector<std::string>& symbols) const override {
    pairs_.split(
        piece, [this](std::string_view symbol) { return vocabulary().contains(symbol); }, symbols);
  }
  std::string extra_json() const override {
    std::vector<std::string> flat;
    for (const auto& [left, right] : pairs_.merges()) {
      flat.push_back(left);
      flat.push_back(right);
    }
    return ",\"merges\":" + nlohmann::json(flat).dump();
  }

 private:
  BytePairs pairs_;
};

BytePairs pairs_of(const JsonObject& object) {
  std::vector<std::string> flat = object.texts("merges");
  if (flat.size() % 2 != 0) object.fail("\"merges\" must hold pairs", fmt::format("{} texts", flat.size()));
  std::vector<std::pair<std::string, std::string>> merges;
  for (size_t i = 0; i < flat.size(); i += 2) merges.emplace_back(std::move(flat[i]), std::move(flat[i + 1]));
  const int64_t bad = BytePairs::first_bad_merge(merges);
  if (bad >= 0) {
    const auto& [left, right] = merges[static_cast<size_t>(bad)];
    object.fail("a merge must join two symbols that exist, once",
                fmt::format("{} and {} as merge {}", clip_quoted(left), clip_quoted(right), bad));
  }
  return BytePairs(std::move(merges));
}

}  // namespace

TokenizerKind bpe_kind() {
  return {"bpe", true, SubwordTokenizer::count,
          [](const SymbolCounts& units, const TokenizerRecipe& recipe) -> std::unique_ptr<Tokenizer> {
            BytePairs pairs = BytePairs::learn(units, recipe.subwords);
            return std::make_unique<BpeTokenizer>(
                recipe.form, pairs, Vocabulary(pairs.count_symbols(units), recipe.min_count, recipe.most));
          },
          [](const JsonObject& object, TextForm form, Vocabulary vocabulary) -> std::unique_ptr<Tokenizer> {
            return std::make_unique<BpeTokenizer>(form, pairs_of(object), std::move(vocabulary));
          }};
}

}  // namespace carousel::data
