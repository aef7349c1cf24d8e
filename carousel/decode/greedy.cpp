#include <fmt/format.h>

#include <limits>

#include "carousel/base/error.h"
#include "carousel/decode/search.h"

namespace carousel::decode {

namespace {

/// The most probable token that is not `bos`, the lowest of several.
int32_t best_token(std::span<const float> log_probs, int32_t bos) {
  float best = -std::numeric_limits<float>::infinity();
  int32_t token = -1;
  for (size_t v = 0; v < log_probs.size(); ++v) {
    if (log_probs[v] > best && static_cast<int32_t>(v) != bos) {
      best = log_probs[v];
      token = static_cast<int32_t>(v);
    }
  }
  if (token < 0) {
    throw DivergedError(
        "[decode] some token must be possible; got probability 0 for all. The model's weights are "
        "damaged: train again or load another model.");
  }
  return token;
}

}  // namespace

Results greedy_search(StepModel& model, std::span<const int64_t> source_lengths, const SearchConfig& config) {
  check_search(model, source_lengths, config);
  const int64_t vocab_size = model.vocab_size();
  const auto width = static_cast<size_t>(vocab_size);
  const size_t sources = source_lengths.size();
  std::vector<Hypothesis> found(sources);
  std::vector<int64_t> open(sources), parents(sources);  // source of each row; row of it in the step before
  for (size_t i = 0; i < sources; ++i) open[i] = parents[i] = static_cast<int64_t>(i);
  std::vector<int32_t> tokens(sources, model.bos());
  std::vector<float> log_probs(sources * width);

  model.start();
  for (int64_t length = 1; !open.empty(); ++length) {
    const size_t rows = open.size();
    model.step(parents, tokens, log_probs.data());
    check_log_probs({log_probs.data(), rows * width}, vocab_size);
    size_t kept = 0;
    for (size_t row = 0; row < rows; ++row) {
      const auto source = static_cast<size_t>(open[row]);
      Hypothesis& hypothesis = found[source];
      const std::span<const float> choices(log_probs.data() + row * width, width);
      const int32_t token = best_token(choices, model.bos());
      hypothesis.log_prob += static_cast<double>(choices[static_cast<size_t>(token)]);
      hypothesis.ended = token == model.eos();
      if (!hypothesis.ended) hypothesis.tokens.push_back(token);
      if (hypothesis.ended || length >= config.max_length(source_lengths[source])) {
        hypothesis.score = hypothesis.log_prob / length_penalty(length, config.length_penalty);
        continue;
      }
      open[kept] = open[row];
      parents[kept] = static_cast<int64_t>(row);
      tokens[kept] = token;
      ++kept;
    }
    open.resize(kept);
    parents.resize(kept);
    tokens.resize(kept);
  }
  Results results(sources);
  for (size_t i = 0; i < sources; ++i) results[i].push_back(std::move(found[i]));
  return results;
}

}  // namespace carousel::decode
