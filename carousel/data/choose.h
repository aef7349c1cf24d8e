// Decides from the data how texts become symbols, and says why.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "carousel/data/config.h"
#include "carousel/data/tokenizer.h"

namespace carousel::data {

/// All that is needed to make a tokenizer, with the reasons in words.
struct TokenPlan {
  std::string kind;  ///< one of tokenizer_kinds()
  TextForm form;
  int64_t merges = 0;  ///< of bpe; of unigram subwords
  std::string reason;  ///< "source: characters, because 98 % of the lines have no space"
};

enum class Side { source, target };

/// Plans the tokenizer of one side from its training texts (at least one). Kinds:
///   characters  when most texts have no white space, or few words of a large inventory (names, inflected forms);
///   words       when the inventory is small against the data (phones, commands);
///   bpe         otherwise.
/// Normal form: nfd for characters when NFC(NFD(x)) == x for all texts and it halves an inventory of more than 200;
/// else nfc when all texts are in it already (so that an input that is not is brought to it); else none. Letter case: a
/// source whose letters are all of one case is folded to it. `config` overrides each.
TokenPlan plan_tokens(const std::vector<std::string_view>& texts, const DataConfig& config, Side side);

/// Builds the tokenizer and its vocabulary from the training texts.
std::unique_ptr<Tokenizer> make_tokenizer(const std::vector<std::string_view>& texts, const TokenPlan& plan,
                                          int64_t min_count);

}  // namespace carousel::data
