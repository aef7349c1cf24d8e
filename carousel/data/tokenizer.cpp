#include "carousel/data/tokenizer.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <unordered_set>

#include "carousel/data/bpe.h"
#include "carousel/data/json_object.h"

namespace carousel::data {

namespace {

constexpr const char* kVisibleSpace = "\xE2\x90\xA3";  // U+2423 OPEN BOX

class CharacterTokenizer : public Tokenizer {
 public:
  CharacterTokenizer(TextForm form, Vocabulary vocabulary) : Tokenizer(form) { set_vocabulary(std::move(vocabulary)); }
  std::string kind() const override { return "characters"; }
  static std::vector<std::string_view> cut(std::string_view text) { return code_points(text); }

 protected:
  std::vector<std::string> split(std::string_view text) const override {
    const auto parts = cut(text);
    return {parts.begin(), parts.end()};
  }
  std::string join(const std::vector<std::string>& symbols) const override {
    return fmt::format("{}", fmt::join(symbols, ""));
  }
};

class WordTokenizer : public Tokenizer {
 public:
  WordTokenizer(TextForm form, Vocabulary vocabulary) : Tokenizer(form) { set_vocabulary(std::move(vocabulary)); }
  std::string kind() const override { return "words"; }
  static std::vector<std::string_view> cut(std::string_view text) { return split_words(text); }

 protected:
  std::vector<std::string> split(std::string_view text) const override {
    const auto parts = cut(text);
    return {parts.begin(), parts.end()};
  }
  std::string join(const std::vector<std::string>& symbols) const override {
    return fmt::format("{}", fmt::join(symbols, " "));
  }
};

class WordPunctTokenizer : public Tokenizer {
 public:
  WordPunctTokenizer(TextForm form, Vocabulary vocabulary) : Tokenizer(form) { set_vocabulary(std::move(vocabulary)); }
  std::string kind() const override { return "wordpunct"; }
  static std::vector<std::string> cut(std::string_view text) {
    std::vector<std::string> pieces = BytePairs::pieces(text);
    for (std::string& piece : pieces)
      if (piece.starts_with(' ')) piece.erase(0, 1);  // the mark of a word's beginning
    return pieces;
  }

 protected:
  std::vector<std::string> split(std::string_view text) const override { return cut(text); }
  std::string join(const std::vector<std::string>& symbols) const override {
    return fmt::format("{}", fmt::join(symbols, " "));
  }
};

class BpeTokenizer : public Tokenizer {
 public:
  BpeTokenizer(TextForm form, BytePairs pairs, Vocabulary vocabulary) : Tokenizer(form), pairs_(std::move(pairs)) {
    set_vocabulary(std::move(vocabulary));
  }
  std::string kind() const override { return "bpe"; }

 protected:
  std::vector<std::string> split(std::string_view text) const override {
    return pairs_.split(text, [this](std::string_view symbol) { return vocabulary().contains(symbol); });
  }
  std::string join(const std::vector<std::string>& symbols) const override {
    std::string text = fmt::format("{}", fmt::join(symbols, ""));
    return text.starts_with(' ') ? text.substr(1) : text;
  }
  std::string extra_json() const override {
    std::vector<std::string> flat;
    for (const auto& [left, right] : pairs_.merges()) {
      flat.push_back(left);
      flat.push_back(right);
    }
    return ",\"merges\":" + nlohmann::json(flat).dump();
  }

 private:
  BytePairs pairs_;
};

template <class Kind>
std::unique_ptr<Tokenizer> make_simple(const std::vector<std::string_view>& texts, TextForm form, int64_t min_count) {
  SymbolCounts counts;
  for (const std::string_view text : texts) {
    const std::string prepared = form.apply(text);
    for (const std::string_view symbol : Kind::cut(prepared)) counts.add(symbol);
  }
  return std::make_unique<Kind>(form, Vocabulary(counts, min_count));
}

NormalForm normal_form_of(const JsonObject& object) {
  const std::string name = object.text("normalize");
  for (const NormalForm form : {NormalForm::none, NormalForm::nfc, NormalForm::nfd}) {
    if (name == name_of(form)) return form;
  }
  object.fail("\"normalize\" must be none, nfc or nfd", clip_quoted(name));
}

LetterCase letter_case_of(const JsonObject& object) {
  const std::string name = object.text("letter_case");
  for (const LetterCase letter_case : {LetterCase::keep, LetterCase::lower, LetterCase::upper}) {
    if (name == name_of(letter_case)) return letter_case;
  }
  object.fail("\"letter_case\" must be keep, lower or upper", clip_quoted(name));
}

BytePairs pairs_of(const JsonObject& object) {
  std::vector<std::string> flat = object.texts("merges");
  if (flat.size() % 2 != 0) object.fail("\"merges\" must hold pairs", fmt::format("{} texts", flat.size()));
  std::vector<std::pair<std::string, std::string>> merges;
  for (size_t i = 0; i < flat.size(); i += 2) merges.emplace_back(std::move(flat[i]), std::move(flat[i + 1]));
  const int64_t bad = BytePairs::first_bad_merge(merges);
  if (bad >= 0) {
    const auto& [left, right] = merges[static_cast<size_t>(bad)];
    object.fail("a merge must join two symbols that exist, once",
                fmt::format("{} and {} as merge {}", clip_quoted(left), clip_quoted(right), bad));
  }
  return BytePairs(std::move(merges));
}

}  // namespace

std::string TextForm::apply(std::string_view text) const {
  return fold_case(normalize(trim(text), normal_form), letter_case);
}

std::vector<int32_t> Tokenizer::encode(std::string_view text) const {
  std::vector<int32_t> ids;
  for (const std::string& symbol : split(form_.apply(text))) ids.push_back(vocabulary_.id(symbol));
  return ids;
}

const std::string& Tokenizer::symbol(int32_t id, const std::vector<std::string>& extras) const {
  const int64_t further = id - vocabulary_.size();
  return further >= 0 && further < static_cast<int64_t>(extras.size()) ? extras[static_cast<size_t>(further)]
                                                                       : vocabulary_.symbol(id);
}

std::string Tokenizer::decode(std::span<const int32_t> ids, const std::vector<std::string>& extras) const {
  std::vector<std::string> parts;
  parts.reserve(ids.size());
  for (const int32_t id : ids) {
    if (id != Vocabulary::kBos && id != Vocabulary::kEos) parts.push_back(symbol(id, extras));
  }
  std::string text = join(parts);
  return form_.normal_form == NormalForm::nfd ? normalize(text, NormalForm::nfc) : text;
}

std::vector<std::string> Tokenizer::symbols(std::span<const int32_t> ids,
                                            const std::vector<std::string>& extras) const {
  std::vector<std::string> out;
  out.reserve(ids.size());
  for (const int32_t id : ids) {
    std::string text = symbol(id, extras);
    for (size_t at = text.find(' '); at != std::string::npos; at = text.find(' ', at))
      text.replace(at, 1, kVisibleSpace);
    out.push_back(std::move(text));
  }
  return out;
}

std::vector<std::string> Tokenizer::unknown_symbols(std::string_view text) const {
  std::vector<std::string> out;
  std::unordered_set<std::string> seen;
  for (std::string& symbol : split(form_.apply(text))) {
    if (!vocabulary_.contains(symbol) && seen.insert(symbol).second) out.push_back(std::move(symbol));
  }
  return out;
}

std::string Tokenizer::to_json() const {
  return fmt::format(R"({{"kind":"{}","normalize":"{}","letter_case":"{}","vocabulary":{}{}}})", kind(),
                     name_of(form_.normal_form), name_of(form_.letter_case), vocabulary_.to_json(), extra_json());
}

std::unique_ptr<Tokenizer> Tokenizer::from_json(const std::string& json, const std::string& file) {
  const JsonObject object(json, file, "tokenizer");
  const std::string kind = object.text("kind");
  const TextForm form{normal_form_of(object), letter_case_of(object)};
  Vocabulary vocabulary = Vocabulary::from_json(object.object("vocabulary"), file);
  if (kind == "characters") return std::make_unique<CharacterTokenizer>(form, std::move(vocabulary));
  if (kind == "words") return std::make_unique<WordTokenizer>(form, std::move(vocabulary));
  if (kind == "wordpunct") return std::make_unique<WordPunctTokenizer>(form, std::move(vocabulary));
  if (kind == "bpe") return std::make_unique<BpeTokenizer>(form, pairs_of(object), std::move(vocabulary));
  object.fail("\"kind\" must be characters, words, wordpunct or bpe", clip_quoted(kind));
}

std::unique_ptr<Tokenizer> make_character_tokenizer(const std::vector<std::string_view>& texts, TextForm form,
                                                    int64_t min_count) {
  return make_simple<CharacterTokenizer>(texts, form, min_count);
}

std::unique_ptr<Tokenizer> make_word_tokenizer(const std::vector<std::string_view>& texts, TextForm form,
                                               int64_t min_count) {
  return make_simple<WordTokenizer>(texts, form, min_count);
}

std::unique_ptr<Tokenizer> make_wordpunct_tokenizer(const std::vector<std::string_view>& texts, TextForm form,
                                                    int64_t min_count) {
  return make_simple<WordPunctTokenizer>(texts, form, min_count);
}

std::unique_ptr<Tokenizer> make_bpe_tokenizer(const std::vector<std::string_view>& texts, TextForm form,
                                              int64_t min_count, int64_t merges) {
  SymbolCounts pieces;
  for (const std::string_view text : texts) {
    const std::string prepared = form.apply(text);
    for (const std::string& piece : BytePairs::pieces(prepared)) pieces.add(piece);
  }
  BytePairs pairs = BytePairs::learn(pieces, merges);
  return std::make_unique<BpeTokenizer>(form, pairs, Vocabulary(pairs.count_symbols(pieces), min_count));
}

}  // namespace carousel::data
