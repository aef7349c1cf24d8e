// Learning of byte pairs with counts that are updated, not recounted, after every merge.
#include <algorithm>
#include <queue>
#include <set>
#include <tuple>

#include "carousel/data/bpe.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

using Pair = std::pair<int32_t, int32_t>;

struct PairHash {
  size_t operator()(const Pair& pair) const {
    return std::hash<uint64_t>()((uint64_t{static_cast<uint32_t>(pair.first)} << 32) |
                                 static_cast<uint32_t>(pair.second));
  }
};

struct Piece {
  std::vector<int32_t> symbols;
  int64_t times;
};

/// A heap entry; stale when `count` is no longer the pair's count.
struct Candidate {
  int64_t count;
  Pair pair;
  bool operator<(const Candidate& other) const {  // the heap's top is the largest
    return std::tie(count, other.pair) < std::tie(other.count, pair);
  }
};

class Learner {
 public:
  explicit Learner(const SymbolCounts& pieces) {
    for (const auto& [text, times] : pieces.symbols()) {
      Piece piece{{}, times};
      for (const std::string_view c : code_points(text)) piece.symbols.push_back(intern(std::string(c)));
      pieces_.push_back(std::move(piece));
      change_counts(pieces_.size() - 1, +1);
    }
    for (const auto& [pair, count] : counts_) heap_.push({count, pair});
  }

  /// Makes the most frequent pair one symbol. False when no pair occurs twice.
  bool merge(BytePairs::Merge& merged) {
    while (!heap_.empty() && counts_[heap_.top().pair] != heap_.top().count) heap_.pop();
    if (heap_.empty() || heap_.top().count < 2) return false;
    const Pair pair = heap_.top().pair;
    heap_.pop();
    merged = {symbols_[static_cast<size_t>(pair.first)], symbols_[static_cast<size_t>(pair.second)]};
    const int32_t result = intern(merged.first + merged.second);
    changed_.clear();
    std::vector<size_t> places = std::move(places_[pair]);
    places_.erase(pair);
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    for (const size_t place : places) replace(place, pair, result);
    counts_.erase(pair);
    std::sort(changed_.begin(), changed_.end());
    changed_.erase(std::unique(changed_.begin(), changed_.end()), changed_.end());
    for (const Pair& other : changed_) {
      const auto count = counts_.find(other);
      if (count != counts_.end() && count->second > 1) heap_.push({count->second, other});
    }
    return true;
  }

 private:
  int32_t intern(std::string symbol) {
    const auto [place, fresh] = numbers_.try_emplace(symbol, static_cast<int32_t>(symbols_.size()));
    if (fresh) symbols_.push_back(std::move(symbol));
    return place->second;
  }

  void change_counts(size_t place, int64_t sign) {
    const Piece& piece = pieces_[place];
    for (size_t i = 0; i + 1 < piece.symbols.size(); ++i) {
      const Pair pair{piece.symbols[i], piece.symbols[i + 1]};
      counts_[pair] += sign * piece.times;
      changed_.push_back(pair);
      if (sign > 0) places_[pair].push_back(place);
    }
  }

  void replace(size_t place, const Pair& pair, int32_t result) {
    std::vector<int32_t>& symbols = pieces_[place].symbols;
    change_counts(place, -1);
    size_t out = 0;
    for (size_t i = 0; i < symbols.size(); ++i) {
      const bool match = i + 1 < symbols.size() && symbols[i] == pair.first && symbols[i + 1] == pair.second;
      symbols[out++] = match ? result : symbols[i];
      if (match) ++i;
    }
    symbols.resize(out);
    change_counts(place, +1);
  }

  std::vector<Piece> pieces_;
  std::vector<std::string> symbols_;
  std::unordered_map<std::string, int32_t> numbers_;
  std::unordered_map<Pair, int64_t, PairHash> counts_;
  std::unordered_map<Pair, std::vector<size_t>, PairHash> places_;  // pieces that hold or held the pair
  std::vector<Pair> changed_;
  std::priority_queue<Candidate> heap_;
};

}  // namespace

BytePairs BytePairs::learn(const SymbolCounts& pieces, int64_t max_merges) {
  Learner learner(pieces);
  std::vector<Merge> merges;
  std::set<Merge> seen;
  Merge merge;
  while (static_cast<int64_t>(merges.size()) < max_merges && learner.merge(merge)) {
    // A symbol that two ways of merging lead to can bring back a pair that was merged before: still one rule.
    if (seen.insert(merge).second) merges.push_back(merge);
  }
  return BytePairs(std::move(merges));
}

}  // namespace carousel::data
