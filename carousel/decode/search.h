// Finding probable output sequences of a step model, for a batch of sources at once.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "carousel/base/options.h"
#include "carousel/decode/fusion.h"
#include "carousel/decode/step_model.h"

namespace carousel::decode {

struct SearchConfig {
  int64_t beam_size = 4;          ///< hypotheses kept per source; 1: greedy
  int64_t nbest = 1;              ///< hypotheses returned per source; widens a smaller beam
  double coverage_penalty = 0;    ///< beta of Wu et al. 2016: outputs that look past parts of the source rank lower
  double length_penalty = 0;      ///< alpha of Wu et al. 2016; 0: rank by probability, more: prefer longer outputs
  double max_length_factor = 2;   ///< an output may have this times the source's length (negative: 2) ...
  int64_t max_length_extra = 20;  ///< ... plus this many symbols, its end marker included
  int64_t max_output = 0;         ///< most symbols of an output whatever its source, its end marker included; 0: any
  int64_t min_length = 0;         ///< least symbols of an output, its end marker not counted
  int64_t no_repeat_ngram = 0;    ///< no sequence of so many symbols comes twice in an output; 0: any may
  Fusion fusion;                  ///< for outputs of decode/ctc.h alone

  /// Adds the rows to the section "decode". nbest belongs to a question, not to a model, and is none of them.
  void options(OptionTable& table);
  /// Longest output for a source of `source_length` symbols, end marker included; min_length and its end marker fit.
  int64_t max_length(int64_t source_length) const;
};

struct Hypothesis {
  std::vector<int32_t> tokens;  ///< without begin and end markers
  double log_prob = 0;          ///< natural logarithm of the probability of `tokens` and, if `ended`, the end marker
  double score = 0;             ///< log_prob over the length penalty plus the coverage penalty: what ranks hypotheses
  bool ended = false;           ///< false: cut off at the maximum length
};

/// ((5 + length) / 6) ^ alpha (Wu et al. 2016, "Google's neural machine translation system", equation 14). `length`
/// counts the end marker.
double length_penalty(int64_t length, double alpha);

/// beta * sum over source positions of log(min(attention received, 1)), at most 0 (there too). `attended`: what each
/// position got of all steps together; of one that got nothing at all the logarithm is that of 1e-6.
double coverage_penalty(std::span<const float> attended, double beta);

/// For each source at least one and at most config.nbest hypotheses, best first; those that ended stand before those
/// that were cut off. `source_lengths` [model.num_sources()], in symbols. The begin marker is never produced.
/// Deterministic: of equally good candidates the lower row and token win.
/// Throws ShapeError (another number of lengths), ConfigError (sizes below 1), DivergedError (a log-probability is NaN
/// or above 0, or all tokens have probability 0).
using Results = std::vector<std::vector<Hypothesis>>;
Results greedy_search(StepModel& model, std::span<const int64_t> source_lengths, const SearchConfig& config);
/// Beam search as in most toolkits: of the 2 * beam_size best candidates of a step, ends among the first beam_size are
/// finished hypotheses and the first beam_size others go on. A source is done when beam_size hypotheses have finished
/// and the best open one ranks no higher so far than the last of the n best, or when no open one can still be one of
/// these. A coverage penalty counts once a hypothesis is finished; what is open is ranked by probability.
Results beam_search(StepModel& model, std::span<const int64_t> source_lengths, const SearchConfig& config);

/// A row of the registry.
struct Method {
  std::string name;
  std::string summary;
  bool (*fits)(const SearchConfig& config);
  Results (*search)(StepModel& model, std::span<const int64_t> source_lengths, const SearchConfig& config);
};
/// All search methods; the first that fits a configuration is used for it.
const std::vector<Method>& methods();
/// Runs the method that fits `config`, over a ConstrainedModel where min_length or no_repeat_ngram ask for one.
Results search(StepModel& model, std::span<const int64_t> source_lengths, const SearchConfig& config);

/// Checks that both searches share. `rows` x `vocab_size` log-probabilities of a step.
void check_search(const StepModel& model, std::span<const int64_t> source_lengths, const SearchConfig& config);
void check_log_probs(std::span<const float> log_probs, int64_t vocab_size);

}  // namespace carousel::decode
