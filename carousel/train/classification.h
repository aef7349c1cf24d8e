// Scores of predicted class probabilities, and the temperature that makes them mean what they say.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace carousel::train {

/// Scores of a data set, added up example by example.
class ClassScores {
 public:
  static constexpr size_t kBins = 15;

  /// `probabilities` of the classes 0, 1, ...; at least one (ShapeError). `wanted` may lie beyond them: a class that
  /// the model does not have, whose examples count as wrong.
  void add(std::span<const double> probabilities, int64_t wanted);

  int64_t examples() const { return examples_; }
  /// Share of the examples whose most probable class (the first of equals) is the wanted one; 0 for no examples.
  double accuracy() const;
  /// Mean over the classes of 2 tp / (2 tp + fp + fn). Classes that are neither wanted nor predicted are left out, as
  /// in scikit-learn; 0 for no examples.
  double macro_f1() const;
  /// Distance between confidence (the largest probability) and accuracy, averaged over the examples in 15 equal bins of
  /// confidence (Guo et al. 2017, "On calibration of modern neural networks", eq. 3).
  double expected_calibration_error() const;

 private:
  struct Counts {
    int64_t right = 0, predicted = 0, wanted = 0;
  };
  struct Bin {
    int64_t examples = 0, right = 0;
    double confidence = 0;
  };
  Counts& counts_of(int64_t id);

  int64_t examples_ = 0, right_ = 0;
  std::vector<Counts> classes_;
  std::array<Bin, kBins> bins_{};
};

/// The temperature T in [0.05, 20] with the smallest sum of -log softmax(logits / T)[wanted] (Guo et al. 2017, section
/// 4.2) plus (log T)^2: a few examples, all of them right, say little about how sure to be. logits [wanted.size(),
/// num_classes]; examples with a class beyond num_classes are left out. 1 when none is left.
double fit_temperature(std::span<const float> logits, std::span<const int64_t> wanted, int64_t num_classes);

/// logits += trust * opinions, all [examples, num_classes]; no opinions change nothing.
void add_opinions(std::span<float> logits, std::span<const float> opinions, double trust);

/// How two classifiers are heard together: softmax((logits + trust * opinions) / temperature).
struct Blend {
  double trust = 0;
  double temperature = 1;
};

/// Trust in [0, 8] and temperature with the least loss as above plus trust^2 / 10: of a few examples none of the two
/// shall follow. No trust without opinions.
Blend fit_blend(std::span<const float> logits, std::span<const float> opinions, std::span<const int64_t> wanted,
                int64_t num_classes);

/// softmax(logits / temperature). Throws DivergedError when a logit or the temperature gives no probabilities.
std::vector<double> probabilities_of(std::span<const float> logits, double temperature);

}  // namespace carousel::train
