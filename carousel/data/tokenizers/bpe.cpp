// Byte-pair subwords, see data/bpe.h: of characters, or of bytes.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "carousel/data/bpe.h"
#include "carousel/data/tokenizers/byte_symbols.h"
#include "carousel/data/tokenizers/kind.h"
#include "carousel/data/tokenizers/pieces.h"
#include "carousel/data/tokenizers/subwords.h"

namespace carousel::data {

namespace {

class BpeTokenizer : public SubwordTokenizer {
 public:
  BpeTokenizer(TextForm form, BytePairs pairs, Vocabulary vocabulary)
      : SubwordTokenizer(form), pairs_(std::move(pairs)) {
    set_vocabulary(std::move(vocabulary));
  }
  std::string kind() const override { return "bpe"; }

 protected:
  void split_piece(std::string_view piece, std::vector<std::string>& symbols) const override {
    pairs_.split(
        piece, [this](std::string_view symbol) { return vocabulary().contains(symbol); }, symbols);
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

/// Calls take(symbols) for the bytes of a piece as characters, at most kMaxPiece of them at a time.
template <class Take>
void each_run(std::string_view piece, Take take) {
  for (size_t begin = 0; begin < piece.size(); begin += kMaxPiece) take(byte_symbols(piece.substr(begin, kMaxPiece)));
}

/// Byte-level BPE (Radford et al. 2019): pairs are merged from the bytes of a text on, all of which are in the
/// vocabulary, so that nothing is unknown.
class ByteBpeTokenizer final : public BpeTokenizer {
 public:
  using BpeTokenizer::BpeTokenizer;
  std::string kind() const override { return "byte_bpe"; }
  bool splits_characters() const override { return true; }

  static void count(std::string_view text, SymbolCounts& units) {
    each_piece(text, [&](std::string_view piece) {
      each_run(piece, [&](const std::string& symbols) { units.add(symbols); });
    });
  }

 protected:
  void split_piece(std::string_view piece, std::vector<std::string>& symbols) const override {
    each_run(piece, [&](const std::string& run) { BpeTokenizer::split_piece(run, symbols); });
  }
  std::string join(const std::vector<std::string>& symbols) const override {
    std::string bytes;
    for (const std::string& symbol : symbols) bytes += bytes_of_symbols(symbol);
    const std::string text = printable_text(bytes);
    return text.starts_with(' ') ? text.substr(1) : text;
  }
  /// Symbols that are no characters: their bytes as hexadecimal numbers, <E6 97>.
  std::string shown(const std::string& symbol) const override {
    std::string bytes = bytes_of_symbols(symbol);
    if (printable_text(bytes) == bytes) return bytes;
    std::string text;
    for (const char byte : bytes) text += fmt::format("{}{:02X}", text.empty() ? "<" : " ", static_cast<uint8_t>(byte));
    return text + ">";
  }
};

/// The 256 bytes come first, whatever the texts hold of them.
Vocabulary byte_vocabulary(const BytePairs& pairs, const SymbolCounts& units, const TokenizerRecipe& recipe) {
  constexpr int64_t kAlways = int64_t{1} << 50, kBytes = 256;
  SymbolCounts all;
  for (int byte = 0; byte < kBytes; ++byte) all.add(byte_symbols(std::string(1, static_cast<char>(byte))), kAlways);
  const SymbolCounts counts = pairs.count_symbols(units);
  for (const auto& [symbol, times] : counts.symbols())
    if (count_code_points(symbol) > 1) all.add(symbol, times);
  return Vocabulary(all, recipe.min_count, recipe.most > 0 ? std::max(recipe.most, kBytes) : 0);
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

TokenizerKind bpe_kind() {
  return {"bpe", true, SubwordTokenizer::count,
          [](const SymbolCounts& units, const TokenizerRecipe& recipe) -> std::unique_ptr<Tokenizer> {
            BytePairs pairs = BytePairs::learn(units, recipe.subwords);
            return std::make_unique<BpeTokenizer>(
                recipe.form, pairs, Vocabulary(pairs.count_symbols(units), recipe.min_count, recipe.most));
          },
          [](const JsonObject& object, TextForm form, Vocabulary vocabulary) -> std::unique_ptr<Tokenizer> {
            return std::make_unique<BpeTokenizer>(form, pairs_of(object), std::move(vocabulary));
          }};
}

TokenizerKind byte_bpe_kind() {
  return {"byte_bpe", true, ByteBpeTokenizer::count,
          [](const SymbolCounts& units, const TokenizerRecipe& recipe) -> std::unique_ptr<Tokenizer> {
            BytePairs pairs = BytePairs::learn(units, recipe.subwords);
            Vocabulary vocabulary = byte_vocabulary(pairs, units, recipe);
            return std::make_unique<ByteBpeTokenizer>(recipe.form, std::move(pairs), std::move(vocabulary));
          },
          [](const JsonObject& object, TextForm form, Vocabulary vocabulary) -> std::unique_ptr<Tokenizer> {
            return std::make_unique<ByteBpeTokenizer>(form, pairs_of(object), std::move(vocabulary));
          }};
}

}  // namespace carousel::data
