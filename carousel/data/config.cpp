#include "carousel/data/config.h"

namespace carousel::data {

void DataConfig::options(OptionTable& table) {
  table.section("data");
  format.options(table);
  const std::vector<std::string> kinds = {"auto", "characters", "words", "bpe", "byte_bpe", "unigram"};
  table
      .add("source_tokens", &source_tokens,
           "Symbols of the source: characters, words (between white space), bpe (byte-pair subwords), byte_bpe (the "
           "same from bytes on: nothing is unknown) or unigram (subwords of a language model); auto looks at the data.")
      .one_of(kinds);
  table.add("target_tokens", &target_tokens, "Symbols of the target; as source_tokens.").one_of(kinds);
  table
      .add("shared_tokens", &shared_tokens,
           "One inventory of subwords, learnt from both sides; auto: where targets take much from their sources.")
      .one_of({"auto", "on", "off"});
  table
      .add(
          "normalize", &normalize,
          "Unicode normal form of both sides; nfd takes composed characters apart (a Korean syllable into its letters) "
          "and output is composed again; auto takes nfd where it loses nothing and halves a large inventory.")
      .one_of({"auto", "none", "nfc", "nfd"});
  table
      .add("source_case", &source_case,
           "Letter case that sources are folded to; auto folds only when the training data has one case.")
      .one_of({"auto", "keep", "lower", "upper"});
  table
      .add("bpe_merges", &bpe_merges,
           "Subwords to learn, byte-pair merges or symbols of unigram; auto takes one per 50 words, 200 to 16,000.")
      .range(1, 1e6)  // 0 means auto in here: who asks for 0 shall hear that it is none
      .automatic();
  table
      .add(
          "subword_sampling", &subword_sampling,
          "Cuts words into unigram subwords anew in each epoch, drawn with probability proportional to P to this power "
          "(subword regularization; 0.1 to 0.5 where data are few); 0: always as is best.")
      .range(0, 10);
  table.add("min_count", &min_count, "Symbols seen less often in training are treated as unknown.").range(1, 1e9);
  table
      .add("dev_share", &dev_share,
           "Share of the examples that is cut off for evaluation when there is no dev file; auto takes 5 % to 10 %, at "
           "most 4,000.")
      .range(1e-6, 0.9)
      .automatic();
  table
      .add("group", &group,
           "Examples that stay on one side of that cut: those with the same source, or with the same word stem.")
      .one_of({"source", "stem"});
  table
      .add("max_length", &max_length,
           "Longest source or target, in symbols: longer pairs are left out of training, longer inputs get no answer.")
      .range(1, 1e6);
  table.add("max_line_bytes", &max_line_bytes, "Longest line that is read, in bytes.").range(16, 1e9);
}

ReadOptions DataConfig::read_options() const {
  ReadOptions options;
  options.max_line_bytes = max_line_bytes;
  return options;
}

}  // namespace carousel::data
