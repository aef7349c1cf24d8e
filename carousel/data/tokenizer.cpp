#include "carousel/data/tokenizer.h"

#include <fmt/format.h>

#include <unordered_set>

#include "carousel/base/error.h"
#include "carousel/data/json_object.h"
#include "carousel/data/tokenizers/kind.h"

namespace carousel::data {

namespace {

constexpr const char* kVisibleSpace = "\xE2\x90\xA3";  // U+2423 OPEN BOX

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

/// "characters, words, wordpunct or bpe".
std::string kinds_in_words() {
  const std::vector<std::string> names = tokenizer_kinds();
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) text += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  return text;
}

const TokenizerKind* find_kind(const std::string& name) {
  for (const TokenizerKind& row : tokenizer_rows())
    if (row.name == name) return &row;
  return nullptr;
}

const TokenizerKind& kind_named(const std::string& name) {
  if (const TokenizerKind* row = find_kind(name)) return *row;
  throw ConfigError(
      fmt::format("[tokenizer] the kind must be {}; got {}. Use one of those.", kinds_in_words(), clip_quoted(name)));
}

}  // namespace

std::string TextForm::apply(std::string_view text) const {
  return fold_case(normalize(trim(text), normal_form), letter_case);
}

std::vector<int32_t> Tokenizer::encode(std::string_view text) const {
  std::vector<int32_t> ids;
  look_up(form_.apply(text), nullptr, ids);
  return ids;
}

void Tokenizer::look_up(std::string_view text, Memo*, std::vector<int32_t>& ids) const {
  for (const std::string& symbol : split(text, {})) ids.push_back(vocabulary_.id(symbol));
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
    std::string text = id < Vocabulary::kMarkers ? vocabulary_.symbol(id) : shown(symbol(id, extras));
    for (size_t at = text.find(' '); at != std::string::npos; at = text.find(' ', at))
      text.replace(at, 1, kVisibleSpace);
    out.push_back(std::move(text));
  }
  return out;
}

std::vector<std::string> Tokenizer::unknown_symbols(std::string_view text) const {
  std::vector<std::string> out;
  std::unordered_set<std::string> seen;
  for (std::string& symbol : split(form_.apply(text), {})) {
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
  if (const TokenizerKind* row = find_kind(kind)) return row->load(object, form, std::move(vocabulary));
  object.fail(fmt::format("\"kind\" must be {}", kinds_in_words()), clip_quoted(kind));
}

int64_t Encoder::encode(std::string_view text, std::vector<int32_t>& ids) {
  const std::string prepared = tokenizer_.form().apply(text);
  tokenizer_.look_up(prepared, &memo_, ids);
  return count_code_points(prepared);
}

std::vector<std::string> tokenizer_kinds() {
  std::vector<std::string> names;
  for (const TokenizerKind& row : tokenizer_rows()) names.push_back(row.name);
  return names;
}

bool learns_subwords(const std::string& kind) {
  const TokenizerKind* row = find_kind(kind);
  return row != nullptr && row->subwords;
}

TokenizerLearner::TokenizerLearner(TokenizerRecipe recipe, int64_t most_units)
    : recipe_(std::move(recipe)), kind_(kind_named(recipe_.kind)), units_(most_units) {}

void TokenizerLearner::add(std::string_view text) {
  kind_.count(recipe_.form.apply(text), units_);
}

std::unique_ptr<Tokenizer> TokenizerLearner::finish() const {
  return kind_.make(units_, recipe_);
}

std::unique_ptr<Tokenizer> make_tokenizer(const std::vector<std::string_view>& texts, const TokenizerRecipe& recipe) {
  TokenizerLearner learner(recipe);
  for (const std::string_view text : texts) learner.add(text);
  return learner.finish();
}

std::unique_ptr<Tokenizer> make_character_tokenizer(const std::vector<std::string_view>& texts, TextForm form,
                                                    int64_t min_count) {
  return make_tokenizer(texts, {"characters", form, min_count, 0, 0});
}

std::unique_ptr<Tokenizer> make_word_tokenizer(const std::vector<std::string_view>& texts, TextForm form,
                                               int64_t min_count) {
  return make_tokenizer(texts, {"words", form, min_count, 0, 0});
}

std::unique_ptr<Tokenizer> make_wordpunct_tokenizer(const std::vector<std::string_view>& texts, TextForm form,
                                                    int64_t min_count) {
  return make_tokenizer(texts, {"wordpunct", form, min_count, 0, 0});
}

std::unique_ptr<Tokenizer> make_bpe_tokenizer(const std::vector<std::string_view>& texts, TextForm form,
                                              int64_t min_count, int64_t merges) {
  return make_tokenizer(texts, {"bpe", form, min_count, merges, 0});
}

}  // namespace carousel::data
