#include "carousel/data/unigram.h"

#include <algorithm>
#include <cmath>

#include "carousel/base/log_add.h"
#include "carousel/base/rng.h"
#include "carousel/data/unicode.h"

namespace carousel::data {

namespace {

constexpr double kUnknownPenalty = 10;  ///< nats below the rarest symbol

}  // namespace

UnigramModel::UnigramModel(std::vector<Symbol> symbols) : symbols_(std::move(symbols)) {
  for (size_t i = 0; i < symbols_.size(); ++i) {
    places_.emplace(symbols_[i].text, static_cast<int64_t>(i));
    unknown_ = std::min(unknown_, symbols_[i].log_probability);
  }
  unknown_ -= kUnknownPenalty;
}

UnigramModel::Lattice UnigramModel::lattice_of(std::string_view piece) const {
  Lattice lattice;
  for (const std::string_view c : code_points(piece))
    lattice.offsets.push_back(static_cast<size_t>(c.data() - piece.data()));
  const size_t length = lattice.offsets.size();
  lattice.offsets.push_back(piece.size());
  lattice.edges.resize(length + 1);
  for (size_t end = 1; end <= length; ++end) {
    const size_t first = end > static_cast<size_t>(kMaxLength) ? end - static_cast<size_t>(kMaxLength) : 0;
    for (size_t begin = first; begin < end; ++begin) {  // the longest first
      const auto place =
          places_.find(piece.substr(lattice.offsets[begin], lattice.offsets[end] - lattice.offsets[begin]));
      if (place != places_.end()) {
        lattice.edges[end].push_back(
            {begin, place->second, symbols_[static_cast<size_t>(place->second)].log_probability});
      } else if (begin + 1 == end) {
        lattice.edges[end].push_back({begin, -1, unknown_});
      }
    }
  }
  return lattice;
}

double UnigramModel::best(std::string_view piece, int64_t without, std::vector<int64_t>* parts) const {
  const Lattice lattice = lattice_of(piece);
  const size_t length = lattice.edges.size() - 1;
  std::vector<double> score(length + 1, kNever);
  std::vector<const Edge*> back(length + 1, nullptr);
  score[0] = 0;
  for (size_t end = 1; end <= length; ++end)
    for (const Edge& edge : lattice.edges[end]) {
      if (edge.symbol >= 0 && edge.symbol == without) continue;
      const double sum = score[edge.begin] + edge.log_probability;
      if (sum > score[end]) {
        score[end] = sum;
        back[end] = &edge;
      }
    }
  if (parts != nullptr) {
    parts->clear();
    if (score[length] != kNever)
      for (size_t at = length; at > 0; at = back[at]->begin) parts->push_back(back[at]->symbol);
    std::reverse(parts->begin(), parts->end());
  }
  return score[length];
}

void UnigramModel::split(std::string_view piece, const std::function<void(std::string_view)>& emit) const {
  std::vector<int64_t> parts;
  best(piece, -1, &parts);
  for (const int64_t part : parts) {
    const size_t size = part >= 0 ? symbols_[static_cast<size_t>(part)].text.size() : code_points(piece)[0].size();
    emit(piece.substr(0, size));
    piece.remove_prefix(size);
  }
}

void UnigramModel::sample(std::string_view piece, double alpha, Rng& rng,
                          const std::function<void(std::string_view)>& emit) const {
  const Lattice lattice = lattice_of(piece);
  const size_t length = lattice.edges.size() - 1;
  std::vector<double> forward(length + 1, kNever);  // log of the summed weights of all ways to come here
  forward[0] = 0;
  for (size_t end = 1; end <= length; ++end)
    for (const Edge& edge : lattice.edges[end])
      forward[end] = log_add(forward[end], forward[edge.begin] + alpha * edge.log_probability);
  std::vector<size_t> cuts;
  for (size_t at = length; at > 0;) {
    cuts.push_back(at);
    double left = static_cast<double>(rng.uniform());
    const std::vector<Edge>& edges = lattice.edges[at];
    size_t chosen = edges.size() - 1;  // where rounding leaves something over
    for (size_t i = 0; i + 1 < edges.size(); ++i) {
      left -= std::exp(forward[edges[i].begin] + alpha * edges[i].log_probability - forward[at]);
      if (left < 0) {
        chosen = i;
        break;
      }
    }
    at = edges[chosen].begin;
  }
  size_t begin = 0;
  for (size_t i = cuts.size(); i > 0; --i) {
    const size_t end = lattice.offsets[cuts[i - 1]];
    emit(piece.substr(begin, end - begin));
    begin = end;
  }
}

double UnigramModel::add_expected(std::string_view piece, double times, std::vector<double>& counts) const {
  const Lattice lattice = lattice_of(piece);
  const size_t length = lattice.edges.size() - 1;
  std::vector<double> forward(length + 1, kNever), backward(length + 1, kNever);
  forward[0] = 0;
  backward[length] = 0;
  for (size_t end = 1; end <= length; ++end)
    for (const Edge& edge : lattice.edges[end])
      forward[end] = log_add(forward[end], forward[edge.begin] + edge.log_probability);
  for (size_t end = length; end > 0; --end)
    for (const Edge& edge : lattice.edges[end]) {
      double& before = backward[edge.begin];
      before = log_add(before, backward[end] + edge.log_probability);
      if (edge.symbol >= 0)
        counts[static_cast<size_t>(edge.symbol)] +=
            times * std::exp(forward[edge.begin] + edge.log_probability + backward[end] - forward[length]);
    }
  return forward[length];
}

SymbolCounts UnigramModel::count_symbols(const SymbolCounts& pieces) const {
  SymbolCounts counts;
  for (const auto& [piece, times] : pieces.symbols()) {
    for (const std::string_view c : code_points(piece)) counts.add(c, times);
    split(piece, [&, n = times](std::string_view symbol) {
      if (count_code_points(symbol) > 1) counts.add(symbol, n);
    });
  }
  return counts;
}

}  // namespace carousel::data
