#include "carousel/data/tokenizers/subwords.h"

#include <fmt/format.h>

#include "carousel/data/tokenizers/pieces.h"

namespace carousel::data {

namespace {

constexpr size_t kMostRemembered = 200000;  ///< pieces, about 25 MB; the frequent ones come first

}  // namespace

void SubwordTokenizer::count(std::string_view text, SymbolCounts& units) {
  each_piece(text, [&](std::string_view piece) { units.add(piece); });
}

void SubwordTokenizer::sample_piece(std::string_view piece, const SubwordSampling&,
                                    std::vector<std::string>& symbols) const {
  split_piece(piece, symbols);
}

std::vector<std::string> SubwordTokenizer::split(std::string_view text, const SubwordSampling& sampling) const {
  std::vector<std::string> symbols;
  each_piece(text, [&](std::string_view piece) {
    if (sampling.rng != nullptr) {
      sample_piece(piece, sampling, symbols);
    } else {
      split_piece(piece, symbols);
    }
  });
  return symbols;
}

void SubwordTokenizer::look_up(std::string_view text, Memo* memo, std::vector<int32_t>& ids) const {
  std::vector<std::string> symbols;
  each_piece(text, [&](std::string_view piece) {
    if (memo != nullptr) {
      const auto known = memo->find(piece);
      if (known != memo->end()) {
        ids.insert(ids.end(), known->second.begin(), known->second.end());
        return;
      }
    }
    symbols.clear();
    split_piece(piece, symbols);
    const size_t begin = ids.size();
    for (const std::string& symbol : symbols) ids.push_back(vocabulary().id(symbol));
    if (memo != nullptr && memo->size() < kMostRemembered)
      memo->emplace(piece, std::vector<int32_t>(ids.begin() + static_cast<std::ptrdiff_t>(begin), ids.end()));
  });
}

std::string SubwordTokenizer::join(const std::vector<std::string>& symbols) const {
  std::string text = fmt::format("{}", fmt::join(symbols, ""));
  return text.starts_with(' ') ? text.substr(1) : text;
}

}  // namespace carousel::data
