#include "carousel/data/text_symbols.h"

#include <fmt/format.h>

#include <algorithm>

#include "carousel/data/unicode.h"

namespace carousel::data {

void TextSymbols::options(OptionTable& table) {
  table
      .add("tokens", &tokens,
           "Symbols of the texts: characters, words (between white space), wordpunct (words and punctuation apart), "
           "bpe (byte-pair subwords), byte_bpe (the same from bytes on: nothing is unknown) or unigram (subwords of a "
           "language model); auto looks at the data.")
      .one_of({"auto", "characters", "words", "wordpunct", "bpe", "byte_bpe", "unigram"});
  table
      .add("letter_case", &letter_case,
           "Letter case that texts are folded to; auto folds words to lower case when that leaves fewer of them.")
      .one_of({"auto", "keep", "lower"});
  table
      .add("bpe_merges", &bpe_merges,
           "Subwords to learn, byte-pair merges or symbols of unigram; auto takes one per 50 words, 200 to 16,000.")
      .range(1, 1e6)
      .automatic();
  table
      .add("min_count", &min_count,
           "Symbols seen less often in training are treated as unknown; auto takes 2 for words (3 for more than "
           "500,000 running ones, 5 for more than 3,000,000), else 1.")
      .range(1, 1e9)
      .automatic();
}

namespace {

struct Words {
  SymbolCounts as_is, folded;
  int64_t spaced = 0;  ///< texts with inner white space

  explicit Words(const std::vector<std::string_view>& texts) {
    for (const std::string_view text : texts) {
      const auto words = split_words(text);
      spaced += words.size() > 1;
      for (const std::string_view word : words) as_is.add(word);
    }
    for (const auto& [word, times] : as_is.symbols()) folded.add(fold_case(word, LetterCase::lower), times);
  }
};

/// Share of the running words that occur once.
double share_once(const SymbolCounts& counts) {
  const auto once = std::count_if(counts.symbols().begin(), counts.symbols().end(),
                                  [](const auto& symbol) { return symbol.second == 1; });
  return static_cast<double>(once) / static_cast<double>(std::max<int64_t>(counts.total(), 1));
}

/// Share of the running words that end in punctuation and hold more than that.
double share_attached(const SymbolCounts& counts) {
  int64_t attached = 0;
  for (const auto& [word, times] : counts.symbols())
    if (word.size() > 1 && std::string_view(".,;:!?)\"").find(word.back()) != std::string_view::npos &&
        static_cast<unsigned char>(word.front()) >= 'A')
      attached += times;
  return static_cast<double>(attached) / static_cast<double>(std::max<int64_t>(counts.total(), 1));
}

/// Words that are rarer than that are hardly learnt, and rows of the embedding cost time at every step.
int64_t choose_min_count(int64_t words) {
  if (words > 3000000) return 5;
  return words > 500000 ? 3 : 2;
}

constexpr double kFoldGain = 0.03;      ///< share of the different words that folding must save
constexpr double kMostUnknown = 0.15;   ///< share of the running words that occur once
constexpr double kMostAttached = 0.06;  ///< share of the running words that end in punctuation

}  // namespace

TokenPlan TextSymbols::plan(const std::vector<std::string_view>& texts) {
  const Words words(texts);
  TokenPlan result;
  std::string because = "the options say so";
  if (tokens == "auto") {
    const double once = share_once(words.folded), attached = share_attached(words.folded);
    if (words.spaced * 2 < static_cast<int64_t>(texts.size())) {
      tokens = "characters";
      because = "most texts have no space";
    } else if (attached > kMostAttached) {
      tokens = "wordpunct";
      because = fmt::format("punctuation is attached to {:.0f} % of the words", 100 * attached);
    } else if (once > kMostUnknown) {
      tokens = "bpe";
      because = fmt::format("{:.0f} % of the words occur once", 100 * once);
    } else {
      tokens = "words";
      because = fmt::format("of {} words only {:.0f} % occur once", words.folded.total(), 100 * once);
    }
  }
  result.kind = tokens;
  result.reason = fmt::format("text: {}, because {}", result.kind, because);
  if (learns_subwords(result.kind)) {
    if (bpe_merges == 0) bpe_merges = std::clamp<int64_t>(words.as_is.total() / 50, 200, 16000);
    result.merges = bpe_merges;
    result.reason += fmt::format("; up to {} {}", result.merges, result.kind.ends_with("bpe") ? "merges" : "subwords");
  }
  const auto kinds = static_cast<double>(words.as_is.size()), folded = static_cast<double>(words.folded.size());
  if (letter_case == "auto") {
    letter_case = folded < (1 - kFoldGain) * kinds ? "lower" : "keep";
    if (letter_case == "lower")
      result.reason += fmt::format("; in lower case, which leaves {} of {} different words", words.folded.size(),
                                   words.as_is.size());
  }
  result.form.normal_form = NormalForm::nfc;
  result.form.letter_case = letter_case == "lower" ? LetterCase::lower : LetterCase::keep;
  if (min_count == 0) min_count = result.kind.starts_with("word") ? choose_min_count(words.as_is.total()) : 1;
  if (min_count > 1) result.reason += fmt::format("; those seen less than {} times are unknown", min_count);
  return result;
}

int64_t default_max_length(const Tokenizer& tokenizer) {
  return tokenizer.kind() == "characters" ? 1000 : 400;
}

}  // namespace carousel::data
