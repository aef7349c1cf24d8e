// Texts to ids and back. A tokenizer owns its vocabulary and everything else that it needs to treat an input exactly as
// it treated the training data.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "carousel/data/unicode.h"
#include "carousel/data/vocabulary.h"

namespace carousel {
class Rng;
}

namespace carousel::data {

struct TokenizerKind;

/// What happens to a text before it is cut into symbols. White space at both ends is always removed.
struct TextForm {
  NormalForm normal_form = NormalForm::none;
  LetterCase letter_case = LetterCase::keep;

  std::string apply(std::string_view text) const;
};

/// Cuts words into unigram subwords by chance, with probability proportional to P^alpha (Kudo 2018, subword
/// regularization), rather than as is best.
struct SubwordSampling {
  double alpha = 0;
  Rng* rng = nullptr;  ///< null: as is best
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  /// One of tokenizer_kinds().
  virtual std::string kind() const = 0;
  const Vocabulary& vocabulary() const { return vocabulary_; }
  const TextForm& form() const { return form_; }

  /// Ids of a valid UTF-8 text, without begin and end markers; Vocabulary::kUnk for what was never seen. Thread-safe.
  std::vector<int32_t> encode(std::string_view text) const;
  /// Text of some ids. Begin and end markers are left out; kUnk is shown as "<unk>". With nfd the result is composed
  /// (nfc). decode(encode(x)) is x without white space at its ends (words, bpe: with runs of white space as one space;
  /// wordpunct: with a space between any two symbols) for all x in the tokenizer's text form whose symbols are known.
  /// Throws ShapeError when an id is out of range.
  /// Ids from the vocabulary's size on mean entries of `extras`.
  std::string decode(std::span<const int32_t> ids, const std::vector<std::string>& extras = {}) const;
  /// The symbols that encode() looks up.
  std::vector<std::string> cut(std::string_view text) const { return split(form_.apply(text), {}); }
  /// The same, drawn by chance where the kind can; their ids are those of the vocabulary.
  std::vector<std::string> cut(std::string_view text, const SubwordSampling& sampling) const {
    return split(form_.apply(text), sampling);
  }
  /// One display text per id: what a heat map or a table shows. A space is shown as U+2423.
  std::vector<std::string> symbols(std::span<const int32_t> ids, const std::vector<std::string>& extras = {}) const;
  /// The symbols of `text` that are not in the vocabulary, each once, in order.
  std::vector<std::string> unknown_symbols(std::string_view text) const;

  /// Whether a symbol may be a part of a character, whose text is U+FFFD until the rest of it has come.
  virtual bool splits_characters() const { return false; }

  /// Everything as one JSON text, vocabulary included.
  std::string to_json() const;
  /// Throws FormatError naming `file` for anything that to_json could not have made.
  static std::unique_ptr<Tokenizer> from_json(const std::string& json, const std::string& file);

 protected:
  explicit Tokenizer(TextForm form) : form_(form) {}
  friend class Encoder;
  /// Ids that were found before, by piece of text.
  using Memo = std::unordered_map<std::string, std::vector<int32_t>, StringHash, std::equal_to<>>;
  /// Appends the ids of a text in its text form; may look pieces of it up in `memo`, and leave them there.
  virtual void look_up(std::string_view text, Memo* memo, std::vector<int32_t>& ids) const;
  /// Cuts a text in its text form into symbols.
  virtual std::vector<std::string> split(std::string_view text, const SubwordSampling& sampling) const = 0;
  /// The text of some symbols.
  virtual std::string join(const std::vector<std::string>& symbols) const = 0;
  /// How a symbol is displayed.
  virtual std::string shown(const std::string& symbol) const { return symbol; }
  /// Further fields of the JSON object: `,"merges":[...]` or "".
  virtual std::string extra_json() const { return ""; }
  /// Of an id, or of one from the vocabulary's size on its entry in `extras`.
  const std::string& symbol(int32_t id, const std::vector<std::string>& extras) const;
  void set_vocabulary(Vocabulary vocabulary) { vocabulary_ = std::move(vocabulary); }

 private:
  TextForm form_;
  Vocabulary vocabulary_;
};

/// Ids of many texts, one after the other: those of Tokenizer::encode, faster, because it remembers the ids of pieces
/// that come again. Not for use by several threads at once.
class Encoder {
 public:
  /// The tokenizer must outlive it.
  explicit Encoder(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}
  /// Appends the ids of `text` and returns its code points in the tokenizer's text form.
  int64_t encode(std::string_view text, std::vector<int32_t>& ids);

 private:
  const Tokenizer& tokenizer_;
  Tokenizer::Memo memo_;
};

/// How a tokenizer is made from texts.
struct TokenizerRecipe {
  std::string kind;  ///< one of tokenizer_kinds()
  TextForm form;
  int64_t min_count = 1;  ///< symbols seen less often are unknown
  int64_t subwords = 0;   ///< of bpe, byte_bpe and unigram: how many symbols of several characters are learnt at most
  int64_t most = 0;       ///< symbols of the vocabulary, the most frequent ones; 0: no bound
};

/// Names of all kinds: "characters", "words", "wordpunct", "bpe", "byte_bpe", "unigram".
std::vector<std::string> tokenizer_kinds();
/// Whether a kind cuts words into symbols that it learns; false for an unknown one.
bool learns_subwords(const std::string& kind);

/// Collects what a tokenizer is made of, text by text.
class TokenizerLearner {
 public:
  /// At most `most_units` different words or pieces are kept in mind, see SymbolCounts; 0: all. Throws ConfigError for
  /// an unknown kind.
  explicit TokenizerLearner(TokenizerRecipe recipe, int64_t most_units = 0);
  void add(std::string_view text);
  const SymbolCounts& units() const { return units_; }
  std::unique_ptr<Tokenizer> finish() const;

 private:
  TokenizerRecipe recipe_;
  const TokenizerKind& kind_;
  SymbolCounts units_;
};

/// A tokenizer and its vocabulary from all texts. Throws ConfigError for an unknown kind.
std::unique_ptr<Tokenizer> make_tokenizer(const std::vector<std::string_view>& texts, const TokenizerRecipe& recipe);

/// Unicode code points.
std::unique_ptr<Tokenizer> make_character_tokenizer(const std::vector<std::string_view>& texts, TextForm form,
                                                    int64_t min_count);
/// Runs between white space.
std::unique_ptr<Tokenizer> make_word_tokenizer(const std::vector<std::string_view>& texts, TextForm form,
                                               int64_t min_count);
/// Runs of letters, of digits and of other characters between white space: words without the punctuation at them.
std::unique_ptr<Tokenizer> make_wordpunct_tokenizer(const std::vector<std::string_view>& texts, TextForm form,
                                                    int64_t min_count);
/// Byte-pair encoding (Sennrich et al. 2016) over words, see bpe.h. `merges` pairs at most are learned.
std::unique_ptr<Tokenizer> make_bpe_tokenizer(const std::vector<std::string_view>& texts, TextForm form,
                                              int64_t min_count, int64_t merges);

}  // namespace carousel::data
