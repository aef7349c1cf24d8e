// Words: runs between white space, and such with the punctuation taken off.
#include <fmt/format.h>

#include "carousel/data/tokenizers/kind.h"
#include "carousel/data/tokenizers/pieces.h"

namespace carousel::data {

namespace {

class WordTokenizer final : public Tokenizer {
 public:
  WordTokenizer(TextForm form, Vocabulary vocabulary) : Tokenizer(form) { set_vocabulary(std::move(vocabulary)); }
  std::string kind() const override { return "words"; }

 protected:
  std::vector<std::string> split(std::string_view text, const SubwordSampling&) const override {
    const auto parts = split_words(text);
    return {parts.begin(), parts.end()};
  }
  void look_up(std::string_view text, Memo*, std::vector<int32_t>& ids) const override {
    for (const std::string_view word : split_words(text)) ids.push_back(vocabulary().id(word));
  }
  std::string join(const std::vector<std::string>& symbols) const override {
    return fmt::format("{}", fmt::join(symbols, " "));
  }
};

/// A piece without the mark of a word's beginning.
std::string_view bare(std::string_view piece) {
  return piece.starts_with(' ') ? piece.substr(1) : piece;
}

class WordPunctTokenizer final : public Tokenizer {
 public:
  WordPunctTokenizer(TextForm form, Vocabulary vocabulary) : Tokenizer(form) { set_vocabulary(std::move(vocabulary)); }
  std::string kind() const override { return "wordpunct"; }

 protected:
  std::vector<std::string> split(std::string_view text, const SubwordSampling&) const override {
    std::vector<std::string> parts;
    each_piece(text, [&](std::string_view piece) { parts.emplace_back(bare(piece)); });
    return parts;
  }
  std::string join(const std::vector<std::string>& symbols) const override {
    return fmt::format("{}", fmt::join(symbols, " "));
  }
};

template <class Kind>
std::unique_ptr<Tokenizer> make(const SymbolCounts& units, const TokenizerRecipe& recipe) {
  return std::make_unique<Kind>(recipe.form, Vocabulary(units, recipe.min_count, recipe.most));
}

template <class Kind>
std::unique_ptr<Tokenizer> load(const JsonObject&, TextForm form, Vocabulary vocabulary) {
  return std::make_unique<Kind>(form, std::move(vocabulary));
}

}  // namespace

TokenizerKind words_kind() {
  return {"words", false,
          [](std::string_view text, SymbolCounts& units) {
            for (const std::string_view word : split_words(text)) units.add(word);
          },
          make<WordTokenizer>, load<WordTokenizer>};
}

TokenizerKind wordpunct_kind() {
  return {"wordpunct", false,
          [](std::string_view text, SymbolCounts& units) {
            each_piece(text, [&](std::string_view piece) { units.add(bare(piece)); });
          },
          make<WordPunctTokenizer>, load<WordPunctTokenizer>};
}

}  // namespace carousel::data
