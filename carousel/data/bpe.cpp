#include "carousel/data/bpe.h"

#include <algorithm>
#include <set>

#include "carousel/data/tokenizers/pieces.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

uint64_t key_of(int32_t left, int32_t right) {
  return (uint64_t{static_cast<uint32_t>(left)} << 32) | static_cast<uint32_t>(right);
}

}  // namespace

BytePairs::BytePairs(std::vector<Merge> merges) : merges_(std::move(merges)) {
  for (size_t rank = 0; rank < merges_.size(); ++rank) {
    const int32_t left = intern(merges_[rank].first), right = intern(merges_[rank].second);
    const int32_t result = intern(merges_[rank].first + merges_[rank].second);
    if (parts_[static_cast<size_t>(result)].first < 0) parts_[static_cast<size_t>(result)] = {left, right};
    rules_.emplace(key_of(left, right), Rule{static_cast<int64_t>(rank), result});
  }
}

int32_t BytePairs::intern(std::string_view symbol) {
  const auto [place, fresh] = numbers_.try_emplace(std::string(symbol), static_cast<int32_t>(symbols_.size()));
  if (fresh) {
    symbols_.emplace_back(symbol);
    parts_.emplace_back(-1, -1);
  }
  return place->second;
}

int64_t BytePairs::first_bad_merge(const std::vector<Merge>& merges) {
  std::set<std::string> results;
  std::set<Merge> seen;
  const auto exists = [&](const std::string& symbol) {
    return (!symbol.empty() && count_code_points(symbol) == 1) || results.contains(symbol);
  };
  for (size_t i = 0; i < merges.size(); ++i) {
    const auto& [left, right] = merges[i];
    std::string result = left + right;
    // Pieces are bounded, so a longer result could never have been learned.
    if (!exists(left) || !exists(right) || !seen.insert(merges[i]).second || result.size() > 4 * (kMaxPiece + 1)) {
      return static_cast<int64_t>(i);
    }
    results.insert(std::move(result));
  }
  return -1;
}

std::vector<int32_t> BytePairs::apply(std::vector<int32_t> symbols) const {
  while (symbols.size() > 1) {
    const Rule* best = nullptr;
    size_t at = 0;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      if (symbols[i] < 0 || symbols[i + 1] < 0) continue;
      const auto rule = rules_.find(key_of(symbols[i], symbols[i + 1]));
      if (rule == rules_.end() || (best != nullptr && rule->second.rank >= best->rank)) continue;
      best = &rule->second;
      at = i;
    }
    if (best == nullptr) break;
    symbols[at] = best->result;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
  return symbols;
}

/// Calls emit(text, number) for every symbol of a piece; number -1 for a code point that is in no merge.
void BytePairs::split_piece(std::string_view piece, const std::function<void(std::string_view, int32_t)>& emit) const {
  const auto parts = code_points(piece);
  std::vector<int32_t> symbols;
  symbols.reserve(parts.size());
  for (const std::string_view part : parts) {
    const auto number = numbers_.find(std::string(part));
    symbols.push_back(number == numbers_.end() ? -1 : number->second);
  }
  size_t used = 0;
  for (const int32_t symbol : apply(std::move(symbols))) {
    const std::string_view text = symbol < 0 ? parts[used] : std::string_view(symbols_[static_cast<size_t>(symbol)]);
    used += static_cast<size_t>(count_code_points(text));
    emit(text, symbol);
  }
}

void BytePairs::emit_known(int32_t symbol, const std::function<bool(std::string_view)>& known,
                           std::vector<std::string>& out) const {
  const std::string& text = symbols_[static_cast<size_t>(symbol)];
  const auto [left, right] = parts_[static_cast<size_t>(symbol)];
  if (left < 0 || known(text)) {
    out.push_back(text);
    return;
  }
  emit_known(left, known, out);
  emit_known(right, known, out);
}

void BytePairs::split(std::string_view piece, const std::function<bool(std::string_view)>& known,
                      std::vector<std::string>& symbols) const {
  split_piece(piece, [&](std::string_view symbol, int32_t number) {
    if (number < 0) {
      symbols.emplace_back(symbol);
    } else {
      emit_known(number, known, symbols);
    }
  });
}

SymbolCounts BytePairs::count_symbols(const SymbolCounts& pieces) const {
  SymbolCounts counts;
  for (const auto& [piece, times] : pieces.symbols()) {
    for (const std::string_view c : code_points(piece)) counts.add(c, times);
    split_piece(piece, [&, n = times](std::string_view symbol, int32_t) {
      if (count_code_points(symbol) > 1) counts.add(symbol, n);
    });
  }
  return counts;
}

}  // namespace carousel::data
