// What all tokenizers share that cut words into subwords.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "carousel/data/tokenizer.h"

namespace carousel::data {

/// Symbols lie within pieces (pieces.h); a space at the beginning of a symbol is that of a word.
class SubwordTokenizer : public Tokenizer {
 public:
  /// Counts the pieces of a text: what subwords are learnt from.
  static void count(std::string_view text, SymbolCounts& units);

 protected:
  using Tokenizer::Tokenizer;
  /// Appends the symbols of one piece.
  virtual void split_piece(std::string_view piece, std::vector<std::string>& symbols) const = 0;

  /// The same by chance; kinds that cannot cut as is best.
  virtual void sample_piece(std::string_view piece, const SubwordSampling& sampling,
                            std::vector<std::string>& symbols) const;

  std::vector<std::string> split(std::string_view text, const SubwordSampling& sampling) const override;
  void look_up(std::string_view text, Memo* memo, std::vector<int32_t>& ids) const override;
  std::string join(const std::vector<std::string>& symbols) const override;
};

}  // namespace carousel::data
