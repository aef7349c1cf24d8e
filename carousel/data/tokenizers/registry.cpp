#include "carousel/data/tokenizers/kind.h"

namespace carousel::data {

const std::vector<TokenizerKind>& tokenizer_rows() {
  static const std::vector<TokenizerKind> rows = {characters_kind(), words_kind(),    wordpunct_kind(),
                                                  bpe_kind(),        byte_bpe_kind(), unigram_kind()};
  return rows;
}

}  // namespace carousel::data
