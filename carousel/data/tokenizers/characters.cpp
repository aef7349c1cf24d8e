// Unicode code points.
#include <fmt/format.h>

#include "carousel/data/tokenizers/kind.h"

namespace carousel::data {

namespace {

class CharacterTokenizer final : public Tokenizer {
 public:
  CharacterTokenizer(TextForm form, Vocabulary vocabulary) : Tokenizer(form) { set_vocabulary(std::move(vocabulary)); }
  std::string kind() const override { return "characters"; }

 protected:
  std::vector<std::string> split(std::string_view text, const SubwordSampling&) const override {
    const auto parts = code_points(text);
    return {parts.begin(), parts.end()};
  }
  void look_up(std::string_view text, Memo*, std::vector<int32_t>& ids) const override {
    for (const std::string_view c : code_points(text)) ids.push_back(vocabulary().id(c));
  }
  std::string join(const std::vector<std::string>& symbols) const override {
    return fmt::format("{}", fmt::join(symbols, ""));
  }
};

}  // namespace

TokenizerKind characters_kind() {
  return {"characters", false,
          [](std::string_view text, SymbolCounts& units) {
            for (const std::string_view c : code_points(text)) units.add(c);
          },
          [](const SymbolCounts& units, const TokenizerRecipe& recipe) -> std::unique_ptr<Tokenizer> {
            return std::make_unique<CharacterTokenizer>(recipe.form, Vocabulary(units, recipe.min_count, recipe.most));
          },
          [](const JsonObject&, TextForm form, Vocabulary vocabulary) -> std::unique_ptr<Tokenizer> {
            return std::make_unique<CharacterTokenizer>(form, std::move(vocabulary));
          }};
}

}  // namespace carousel::data
