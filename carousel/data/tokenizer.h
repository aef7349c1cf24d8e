// Texts to ids and back. A tokenizer owns its vocabulary and everything else that it needs to treat an input exactly as
// it treated the training data.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "carousel/data/unicode.h"
#include "carousel/data/vocabulary.h"

namespace carousel::data {

/// What happens to a text before it is cut into symbols. White space at both ends is always removed.
struct TextForm {
  NormalForm normal_form = NormalForm::none;
  LetterCase letter_case = LetterCase::keep;

  std::string apply(std::string_view text) const;
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  /// "characters", "words", "wordpunct" or "bpe".
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
  std::vector<std::string> cut(std::string_view text) const { return split(form_.apply(text)); }
  /// One display text per id: what a heat map or a table shows. A space is shown as U+2423.
  std::vector<std::string> symbols(std::span<const int32_t> ids, const std::vector<std::string>& extras = {}) const;
  /// The symbols of `text` that are not in the vocabulary, each once, in order.
  std::vector<std::string> unknown_symbols(std::string_view text) const;

  /// Everything as one JSON text, vocabulary included.
  std::string to_json() const;
  /// Throws FormatError naming `file` for anything that to_json could not have made.
  static std::unique_ptr<Tokenizer> from_json(const std::string& json, const std::string& file);

 protected:
  explicit Tokenizer(TextForm form) : form_(form) {}
  /// Cuts a text in its text form into symbols.
  virtual std::vector<std::string> split(std::string_view text) const = 0;
  /// The text of some symbols.
  virtual std::string join(const std::vector<std::string>& symbols) const = 0;
  /// Further fields of the JSON object: `,"merges":[...]` or "".
  virtual std::string extra_json() const { return ""; }
  /// Of an id, or of one from the vocabulary's size on its entry in `extras`.
  const std::string& symbol(int32_t id, const std::vector<std::string>& extras) const;
  void set_vocabulary(Vocabulary vocabulary) { vocabulary_ = std::move(vocabulary); }

 private:
  TextForm form_;
  Vocabulary vocabulary_;
};

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
