// Which symbol of a source brings forth which symbol of its target, learnt from pairs.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace carousel::data {

struct TranslationsConfig {
  int64_t iterations = 5;                ///< of expectation maximisation
  int64_t max_pairs = 20000;             ///< used for learning, spread evenly over the data
  int64_t max_cells = int64_t{1} << 24;  ///< source symbols times target symbols, summed over the pairs used
  /// How much target symbols keep to the place of their source symbols: links of step t of T and position s of S weigh
  /// exp(-tension |t/T - s/S|); 0: not at all.
  double tension = 0;
};

/// p(target symbol | source symbol) by IBM model 1 (Brown et al. 1993, "The mathematics of statistical machine
/// translation") without the empty source word; with a tension by the diagonal model of Dyer, Chahuneau & Smith 2013
/// ("A simple, fast, and effective reparameterization of IBM model 2"), whose tension stays as it is given.
class Translations {
 public:
  /// A pair of symbols that occur together somewhere: one parameter of the model.
  struct Link {
    int32_t source;
    int32_t target;
    double probability;  ///< of the target given the source
    double expected;     ///< how often, in the pairs that were learnt from
  };

  /// Learns from pairs of id sequences; both spans are equally long (ShapeError). Ids are at least 0.
  static Translations learn(std::span<const std::vector<int32_t>> sources,
                            std::span<const std::vector<int32_t>> targets, const TranslationsConfig& config = {});

  const std::vector<Link>& links() const { return links_; }
  /// By source symbol: how often it was there, and how many target symbols it brought forth.
  const std::vector<double>& occurrences() const { return occurrences_; }
  const std::vector<double>& brought_forth() const { return brought_forth_; }
  /// 0 for symbols that never occurred together.
  double probability(int32_t source, int32_t target) const;
  /// p(source position | target position) [target.size(), source.size()], rows sum to 1; by the tension alone where the
  /// symbols say nothing.
  std::vector<float> align(std::span<const int32_t> source, std::span<const int32_t> target) const;

 private:
  struct Corpus;
  static uint64_t key(int32_t source, int32_t target) {
    return (uint64_t{static_cast<uint32_t>(source)} << 32) | static_cast<uint32_t>(target);
  }
  Corpus take(std::span<const std::vector<int32_t>> sources, std::span<const std::vector<int32_t>> targets);
  void expect(const Corpus& corpus);

  TranslationsConfig config_;
  std::vector<Link> links_;
  std::unordered_map<uint64_t, uint32_t> places_;  // of links, by key()
  std::vector<double> occurrences_, brought_forth_;
};

}  // namespace carousel::data
