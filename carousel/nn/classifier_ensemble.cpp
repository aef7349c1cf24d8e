#include "carousel/nn/classifier_ensemble.h"

#include <fmt/format.h>

#include "carousel/base/error.h"

namespace carousel::nn {

ClassifierEnsemble::ClassifierEnsemble(const ClassifierConfig& config, const Classifier::Sizes& sizes, int64_t members,
                                       uint64_t seed, bool plain_alone)
    : plain_alone_(plain_alone) {
  constexpr uint64_t kApart = 1000003;  // a member's seeds must not be its neighbour's
  if (members < 1) throw ConfigError(fmt::format("[classifier] members must be at least 1; got {}. Set it.", members));
  for (int64_t m = 0; m < members; ++m) {
    members_.push_back(std::make_unique<Classifier>(config, sizes, seed + static_cast<uint64_t>(m) * kApart));
    all_.add(fmt::format("member{}", m), *members_.back());
  }
}

Module& ClassifierEnsemble::module() {
  if (size() == 1 && plain_alone_) return first();
  return all_;
}

}  // namespace carousel::nn
