// What a kind of tokenizer is to the registry. One file for each kind.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "carousel/data/json_object.h"
#include "carousel/data/tokenizer.h"

namespace carousel::data {

struct TokenizerKind {
  std::string name;
  bool subwords = false;  ///< cuts words into symbols that it learns
  /// Counts the units of a text in its text form that the tokenizer is made from: its symbols, or what is cut into
  /// them.
  void (*count)(std::string_view text, SymbolCounts& units);
  std::unique_ptr<Tokenizer> (*make)(const SymbolCounts& units, const TokenizerRecipe& recipe);
  /// From what to_json() wrote. Throws FormatError.
  std::unique_ptr<Tokenizer> (*load)(const JsonObject& object, TextForm form, Vocabulary vocabulary);
};

/// All kinds. To add one, write `<kind>.cpp` and a row in registry.cpp.
const std::vector<TokenizerKind>& tokenizer_rows();

TokenizerKind characters_kind();
TokenizerKind words_kind();
TokenizerKind wordpunct_kind();
TokenizerKind bpe_kind();
TokenizerKind byte_bpe_kind();
TokenizerKind unigram_kind();

}  // namespace carousel::data
