// Outputs of networks trained with connectionist temporal classification: one distribution for each step.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "carousel/decode/search.h"

namespace carousel::decode {

/// The output of the most probable path: of each step the best symbol, repeats merged, blanks removed (Graves et al.
/// 2006, section 3.2). log_probs [steps, vocab_size]; log_prob is that of the path, of equals the lower symbol wins.
Hypothesis ctc_greedy(std::span<const float> log_probs, int64_t vocab_size, int32_t blank);

/// The most probable outputs, best first, each with the probability of all paths that are kept for it: prefix beam
/// search (Hannun et al. 2014, "First-pass large vocabulary continuous speech recognition"). With a scorer outputs rank
/// by `score` as Fusion says, which counts the scorer's end once all steps are read; log_prob stays that of the paths.
/// Exact where no more than `beam_size` outputs are possible. Throws ConfigError for sizes below 1.
std::vector<Hypothesis> ctc_beam_search(std::span<const float> log_probs, int64_t vocab_size, int32_t blank,
                                        int64_t beam_size, int64_t nbest, const Fusion& fusion = {});

}  // namespace carousel::decode
