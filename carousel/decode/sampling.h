// Drawing the next symbol from the logits of a language model.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "carousel/base/options.h"
#include "carousel/base/rng.h"

namespace carousel::decode {

/// What stands between the model's distribution and the draw, applied in this order.
struct SamplingConfig {
  /// Logits of symbols among the last repetition_window ones are divided by this where positive, else multiplied
  /// (Keskar et al. 2019, "CTRL", section 4.1; there the window is everything). 1: nothing.
  double repetition_penalty = 1;
  int64_t repetition_window = 0;  ///< symbols, the prompt's included; 0: all
  double temperature = 1;         ///< logits are divided by this; 0: always the most probable symbol
  /// Where the entropy of the distribution is above this, in nats, the temperature of the step is multiplied by
  /// entropy_brake / entropy: the less sure the model, the closer to its first choice. 0: no brake.
  double entropy_brake = 0;
  int64_t top_k = 0;  ///< only the k most probable symbols stay; 0: all
  double top_p = 1;   ///< of these the fewest, most probable first, that hold this share (Holtzman et al. 2020)
  double min_p = 0;   ///< of these the ones at least this times as probable as the first (Nguyen et al. 2024)

  /// Adds the rows to the section "generate".
  void options(OptionTable& table);
};

/// One symbol drawn.
struct Draw {
  int32_t symbol = 0;
  double log_probability = 0;  ///< in the model's own distribution, before anything of the configuration; nats
};

/// Draws symbols of one text. The same seed, configuration and logits give the same symbols.
class Sampler {
 public:
  Sampler(const SamplingConfig& config, uint64_t seed);
  /// `logits` [V]; `before`: the symbols of the text so far, oldest first; `barred`: symbols that must not come. Of
  /// equally probable symbols the lower one counts as more probable. Throws DivergedError where a logit is not finite
  /// or every symbol is barred.
  Draw draw(std::span<const float> logits, std::span<const int32_t> before, std::span<const int32_t> barred);

 private:
  using Candidate = std::pair<double, int32_t>;  // logit, later probability; symbol
  double uniform();
  double step_temperature(std::span<const float> logits) const;
  void penalise(std::span<const int32_t> before);
  int32_t pick(double temperature);

  SamplingConfig config_;
  Rng rng_;
  std::vector<double> scores_;
  std::vector<Candidate> candidates_;
};

}  // namespace carousel::decode
