#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "carousel/base/error.h"
#include "carousel/decode/constrained_model.h"
#include "carousel/decode/search.h"

namespace carousel::decode {

void SearchConfig::options(OptionTable& table) {
  table.section("decode");
  table.add("beam_size", &beam_size, "Hypotheses that beam search keeps per input; 1 is greedy search.")
      .range(1, 10000);
  table
      .add("coverage_penalty", &coverage_penalty,
           "Weight with which beam search ranks answers lower that do not look at all of the input; 0: off.")
      .range(0, 100);
  table
      .add(
          "length_penalty", &length_penalty,
          "Exponent of the length penalty ((5 + length) / 6) ^ x; 0 ranks by probability, more prefers longer outputs.")
      .range(0, 10);
  table
      .add("max_length_factor", &max_length_factor,
           "An output has at most this times the symbols of its input; auto: 2, or what the longest targets need ...")
      .range(0, 1e6)
      .automatic();
  table.add("max_length_extra", &max_length_extra, "... plus this many.").range(1, 1e6);
  table
      .add("max_output", &max_output,
           "An output of a decoder with attention has at most this many symbols whatever its input, its end counted; "
           "auto: any number, but where inputs have more symbols on average than the longest target of training, twice "
           "those of that plus max_length_extra.")
      .range(1, 1e9)
      .automatic();
  table.add("min_length", &min_length, "Least symbols of an output.").range(0, 1e6);
  table.add("no_repeat_ngram", &no_repeat_ngram, "No sequence of so many symbols comes twice in an output; 0: any may.")
      .range(0, 1000);
}

int64_t SearchConfig::max_length(int64_t source_length) const {
  constexpr double kMost = 1e9;
  const double length =
      std::ceil((max_length_factor < 0 ? 2 : max_length_factor) * static_cast<double>(source_length)) +
      static_cast<double>(max_length_extra);
  const double most = max_output > 0 ? static_cast<double>(max_output) : kMost;
  return static_cast<int64_t>(std::max(std::min(length, most), static_cast<double>(min_length) + 1));
}

double length_penalty(int64_t length, double alpha) {
  return std::pow((5.0 + static_cast<double>(length)) / 6.0, alpha);
}

double coverage_penalty(std::span<const float> attended, double beta) {
  double sum = 0;
  for (const float part : attended) sum += std::log(std::clamp(static_cast<double>(part), 1e-6, 1.0));
  return beta * sum;
}

void check_search(const StepModel& model, std::span<const int64_t> source_lengths, const SearchConfig& config) {
  if (static_cast<int64_t>(source_lengths.size()) != model.num_sources()) {
    throw ShapeError(
        fmt::format("[decode] there must be one length per source; got {} for {} sources. Pass the lengths "
                    "of this batch.",
                    source_lengths.size(), model.num_sources()));
  }
  if (config.beam_size < 1 || config.nbest < 1) {
    throw ConfigError(
        fmt::format("[decode] beam_size and nbest must be at least 1; got {} and {}. Use 1 for one answer.",
                    config.beam_size, config.nbest));
  }
  if (config.min_length < 0 || config.no_repeat_ngram < 0) {
    throw ConfigError(
        fmt::format("[decode] min_length and no_repeat_ngram must be at least 0; got {} and {}. Use 0 to switch one "
                    "off.",
                    config.min_length, config.no_repeat_ngram));
  }
  const std::pair<const char*, double> penalties[] = {{"length_penalty", config.length_penalty},
                                                      {"coverage_penalty", config.coverage_penalty}};
  for (const auto& [name, value] : penalties)
    if (!(value >= 0))
      throw ConfigError(fmt::format("[decode] {} must be at least 0; got {}. Use 0 for none.", name, value));
}

void check_log_probs(std::span<const float> log_probs, int64_t vocab_size) {
  // Rounding may lift a probability slightly over 1; NaN fails every comparison.
  bool sound = true;
  for (const float value : log_probs) sound &= value < 1e-3f;
  if (sound) return;
  const auto bad = std::find_if(log_probs.begin(), log_probs.end(), [](float value) { return !(value < 1e-3f); });
  const int64_t index = bad - log_probs.begin();
  throw DivergedError(
      fmt::format("[decode] log-probabilities must be numbers up to 0; got {} for token {} of hypothesis "
                  "{}. The model's weights are damaged or its training diverged: train again with a "
                  "lower learning_rate.",
                  *bad, index % vocab_size, index / vocab_size));
}

const std::vector<Method>& methods() {
  static const std::vector<Method> rows = {
      {"greedy", "takes the most probable symbol at every step",
       [](const SearchConfig& config) { return config.beam_size == 1 && config.nbest == 1; }, greedy_search},
      {"beam", "keeps the most probable beginnings at every step", [](const SearchConfig&) { return true; },
       beam_search},
  };
  return rows;
}

Results search(StepModel& model, std::span<const int64_t> source_lengths, const SearchConfig& config) {
  for (const Method& method : methods()) {
    if (!method.fits(config)) continue;
    if (config.min_length == 0 && config.no_repeat_ngram == 0) return method.search(model, source_lengths, config);
    ConstrainedModel constrained(model, config);
    return method.search(constrained, source_lengths, config);
  }
  throw UnsupportedError("[decode] a search method must fit the options; got none. Use beam_size 1.");
}

}  // namespace carousel::decode
