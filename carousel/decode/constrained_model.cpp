#include "carousel/decode/constrained_model.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace carousel::decode {

ConstrainedModel::ConstrainedModel(StepModel& model, const SearchConfig& config)
    : model_(model),
      min_length_(static_cast<size_t>(config.min_length)),
      ngram_(static_cast<size_t>(config.no_repeat_ngram)) {}

void ConstrainedModel::start() {
  model_.start();
  prefixes_.assign(static_cast<size_t>(num_sources()), {});
}

void ConstrainedModel::step(std::span<const int64_t> parents, std::span<const int32_t> tokens, float* log_probs) {
  model_.step(parents, tokens, log_probs);
  const auto width = static_cast<size_t>(vocab_size());
  std::vector<Tokens> next;
  next.reserve(parents.size());
  for (size_t row = 0; row < parents.size(); ++row) {
    next.push_back(prefixes_[static_cast<size_t>(parents[row])]);
    if (tokens[row] != bos()) next.back().push_back(tokens[row]);
    rule_out(next.back(), {log_probs + row * width, width});
  }
  prefixes_ = std::move(next);
}

void ConstrainedModel::rule_out(const Tokens& prefix, std::span<float> log_probs) const {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  const auto end = static_cast<size_t>(eos());
  const float end_log_prob = log_probs[end];
  if (prefix.size() < min_length_) log_probs[end] = kNever;
  if (ngram_ > 0 && prefix.size() >= ngram_) {
    const size_t context = ngram_ - 1;
    const auto last = prefix.end() - static_cast<std::ptrdiff_t>(context);
    for (auto it = prefix.begin(); it + static_cast<std::ptrdiff_t>(context) < prefix.end(); ++it) {
      const auto next = it + static_cast<std::ptrdiff_t>(context);
      if (std::equal(it, next, last)) log_probs[static_cast<size_t>(*next)] = kNever;
    }
  }
  for (size_t v = 0; v < log_probs.size(); ++v)
    if (static_cast<int32_t>(v) != bos() && !(log_probs[v] == kNever)) return;
  log_probs[end] = end_log_prob;
}

}  // namespace carousel::decode
