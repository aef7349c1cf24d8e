// How whole texts that are read and not written become symbols.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "carousel/base/options.h"
#include "carousel/data/choose.h"

namespace carousel::data {

struct TextSymbols {
  std::string tokens = "auto";       ///< auto | characters | words | wordpunct | bpe | unigram
  std::string letter_case = "auto";  ///< auto | keep | lower
  int64_t bpe_merges = 0;            ///< 0: chosen from the size of the data
  int64_t min_count = 0;             ///< symbols seen less often are unknown; 0: chosen

  /// Adds the rows to the section that the caller has opened.
  void options(OptionTable& table);

  /// Fills in what is automatic from the training texts (at least one), with the reasons in words:
  ///   characters  when most texts have no white space;
  ///   wordpunct   when punctuation is attached to many words;
  ///   bpe         when many words occur once;
  ///   words       otherwise.
  /// Letters are folded to lower case when that leaves clearly fewer different words.
  TokenPlan plan(const std::vector<std::string_view>& texts);
};

/// The longest text, in symbols of this tokenizer, that is read as a whole unless another bound is asked for.
int64_t default_max_length(const Tokenizer& tokenizer);

}  // namespace carousel::data
