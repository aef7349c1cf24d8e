// Made-up problems that measure one ability each. All draws are functions of the Rng that is handed in.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "carousel/base/rng.h"
#include "carousel/nn/sequence_model.h"

namespace carousel::tasks::lab {

struct Problem {
  std::string name;
  nn::SequenceModelConfig shape;  ///< input, answer and pooling; the stack is left to the experiment
  std::function<nn::SequenceBatch(Rng&, int64_t batch_size)> draw;
  std::string metric;   ///< mse, accuracy, or spike_f1 (class 1 is a spike; answers at each step)
  double guessing = 0;  ///< the metric of the best answer that does not look at the input
  bool lower_is_better = false;
};

/// The adding problem (Hochreiter & Schmidhuber 1997 in the form of Le et al. 2015): frames (value in [0, 1), marker);
/// one step is marked in each half; the answer, after `length` steps, is the sum of the two marked values. Guessing 1
/// gives a squared error of 1/6. length >= 2 (ConfigError).
Problem adding_problem(int64_t length);

/// Copy at a distance (Hochreiter & Schmidhuber 1997, Arjovsky et al. 2016): `symbols` symbols of 8, blanks, a sign
/// to begin, and the symbols have to be repeated in order; `distance` steps lie between a symbol and its copy. Each
/// sequence draws one of `distances`, each at least `symbols` + 1 (ConfigError).
Problem copy_problem(const std::vector<int64_t>& distances, int64_t symbols = 4);

/// Recall in words: "i was born in japan . <distance words of other things> my native language is ___", with other
/// countries named on the way. Each sequence draws one of `distances`, each at least 0 (ConfigError). The answer is one
/// of 10 languages.
Problem recall_problem(const std::vector<int64_t>& distances);
/// One sentence of recall_problem with its answer, as words.
struct RecallExample {
  std::vector<std::string> words;
  std::string language;
};
RecallExample recall_example(Rng& rng, int64_t distance);

/// Count the pulses (after Gers, Schraudolph & Schmidhuber 2002): single pulses come at gaps of 1 to `most_gap` steps;
/// a spike is wanted at each `period`th pulse, at the very step.
Problem count_problem(int64_t period, int64_t length, int64_t most_gap = 4);
/// Keep time (their "generation of timed spikes"): after one pulse at the beginning nothing comes in any more, and a
/// spike is wanted each `period` steps.
Problem rhythm_problem(int64_t period, int64_t length);

/// Delayed recall: a stream of random symbols of 8; head k is asked at each step for the symbol delays[k] steps ago.
Problem delay_problem(const std::vector<int64_t>& delays, int64_t length);

/// The same problem without an end: `streams` sequences side by side, drawn in chunks. Keeps the last symbols up to the
/// longest delay and nothing else. Throws as delay_problem.
class DelayStream {
 public:
  DelayStream(std::vector<int64_t> delays, int64_t streams, uint64_t seed);
  /// The next `length` symbols of each sequence.
  nn::SequenceBatch next(int64_t length);

 private:
  std::vector<int64_t> delays_;
  int64_t kept_ = 0;  ///< symbols in the ring of a stream
  int64_t drawn_ = 0;
  std::vector<Rng> draws_;
  std::vector<int32_t> rings_;  ///< [streams, kept]; symbol t of a stream at t % kept
};

}  // namespace carousel::tasks::lab
