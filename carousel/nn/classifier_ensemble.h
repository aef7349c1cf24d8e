// Several classifiers whose mean answers.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "carousel/nn/classifier.h"

namespace carousel::nn {

/// Networks of one shape that begin with other weights (Hansen & Salamon 1990, "Neural network ensembles").
class ClassifierEnsemble {
 public:
  /// Parameters of several members have names that begin with "member0.", "member1.", ...; those of one alone have
  /// their own where it is `plain_alone`. Throws ConfigError for less than one member, and what Classifier throws.
  ClassifierEnsemble(const ClassifierConfig& config, const Classifier::Sizes& sizes, int64_t members, uint64_t seed,
                     bool plain_alone);

  Module& module();
  int64_t size() const { return static_cast<int64_t>(members_.size()); }
  Classifier& operator[](int64_t index) { return *members_[static_cast<size_t>(index)]; }
  /// The one that is looked into, and that holds temperature and trust of all.
  Classifier& first() { return *members_.front(); }

  /// Mean over the members of what `logits_of(member)` gives, element by element.
  template <class LogitsOf>
  std::vector<float> mean(LogitsOf logits_of) {
    std::vector<float> sum = logits_of(first());
    if (size() == 1) return sum;
    for (int64_t m = 1; m < size(); ++m) {
      const std::vector<float> more = logits_of((*this)[m]);
      for (size_t i = 0; i < sum.size(); ++i) sum[i] += more[i];
    }
    for (float& value : sum) value /= static_cast<float>(size());
    return sum;
  }

 private:
  struct Members final : Module {
    void add(const std::string& name, Module& member) { child(name, member); }
  };
  std::vector<std::unique_ptr<Classifier>> members_;
  Members all_;
  bool plain_alone_;
};

}  // namespace carousel::nn
